/* See chunk.h. */
#include "tests/security/chunk.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <string.h>

struct out {
	char *at;
	size_t len;
};

static int take(lua_State *L, const void *p, size_t n, void *arg)
{
	struct out *out = arg;

	(void)L;
	if (n > CHUNK_MAX - out->len)
		return 1;
	(void)memcpy(out->at + out->len, p, n);
	out->len += n;
	return 0;
}

size_t chunk_make(const char *source, char ret_chunk[CHUNK_MAX])
{
	lua_State *L = luaL_newstate();
	struct out out = {ret_chunk, 0};

	if (!L)
		return 0;
	if (luaL_loadstring(L, source) != LUA_OK ||
		lua_dump(L, take, &out, 1) != 0)
		out.len = 0;
	lua_close(L);
	return out.len;
}

size_t chunk_make_broken(char ret_chunk[CHUNK_MAX])
{
	/* LOADK, register 0, constant 0; and the last constant there can be. */
	static const char load[4] = {3, 0, 0, 0};
	static const unsigned char far[4] = {3, 0x80, 0xff, 0xff};
	size_t n = chunk_make("return 'a constant'", ret_chunk);
	char *at = memmem(ret_chunk, n, load, sizeof(load));

	if (!at)
		return 0;
	(void)memcpy(at, far, sizeof(far));
	return n;
}

const char *chunk_literal(
	const char *chunk, size_t len, char ret_text[CHUNK_TEXT_MAX])
{
	char *at = ret_text;

	*at++ = '"';
	for (size_t i = 0; i < len; i++)
		at += sprintf(at, "\\x%02x", (unsigned char)chunk[i]);
	*at++ = '"';
	*at = '\0';
	return ret_text;
}
