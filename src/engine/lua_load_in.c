/*
 * From code to a chunk, and from what a chunk leaves to the entry point. Runs
 * in U.
 *
 * The code is text, or what this very file made of that text in the isolate
 * that loaded the function on trial, before any of the function's own code had
 * run there. lua_load() does not check compiled code: it is believed as far as
 * the function is, which is what it was made from.
 */
#include "engine/lua_in.h"

#include <string.h>

/* What a loader of files would skip: a byte order mark, a first line of "#!".
 */
static const char *skip_prefix(const char *code, size_t *len)
{
	const char *p = code;
	const char *end = code + *len;

	if (*len >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
		p += 3;
	if (p < end && *p == '#')
		while (p < end && *p != '\n')
			p++;
	*len = (size_t)(end - p);
	return p;
}

/* Compiled form ------------------------------------------------------------*/

struct dump {
	char *to; /* NULL: only count */
	size_t len;
};

static int dump_add(lua_State *L, const void *p, size_t n, void *ud)
{
	struct dump *d = ud;

	(void)L;
	if (d->to)
		memcpy(d->to + d->len, p, n);
	d->len += n;
	return 0;
}

/* The chunk on top, with everything that messages need. Who has no memory for
 * it can do without. */
static void offer_compiled(lua_State *L)
{
	struct lua_in *lua = lua_in_of(L);
	struct dump d = {0};

	(void)lua_dump(L, dump_add, &d, 0);
	if (d.len > lua->in->want)
		return;
	/* Room here says that there will be room for it, in the place of the
	 * text, wherever the text had enough. */
	d.to = heap_in_alloc(lua->heap, d.len);
	if (!d.to)
		return;
	d.len = 0;
	(void)lua_dump(L, dump_add, &d, 0);
	(void)gate_hostcall(INSIDE_COMPILED, (uintptr_t)d.to, d.len, 0, 0);
	heap_in_free(lua->heap, d.to);
}

void lua_load_chunk(lua_State *L)
{
	struct lua_in *lua = lua_in_of(L);
	const struct inside *in = lua->in;
	size_t len = in->code_len;
	const char *code = (const char *)in->code;
	int status;

	if (!in->compiled)
		code = skip_prefix(code, &len);
	lua_pushfstring(L, "=%s", in->function);
	status = luaL_loadbufferx(
		L, code, len, lua_tostring(L, -1), in->compiled ? "b" : "t");
	if (status != LUA_OK)
		(void)lua_error(L);
	lua_remove(L, -2);
	if (in->want > 0)
		offer_compiled(L);
	heap_in_donate(lua->heap, (void *)in->code, in->code_len + 1);
}

/* Entry point --------------------------------------------------------------*/

static bool is_callable(lua_State *L)
{
	if (lua_isfunction(L, -1))
		return true;
	if (!luaL_getmetafield(L, -1, "__call"))
		return false;
	lua_pop(L, 1);
	return true;
}

/* Follows "a.b.c" from the table on top, which it replaces by what is there. */
static bool walk(lua_State *L, const char *path)
{
	while (lua_istable(L, -1)) {
		size_t len = strcspn(path, ".");

		lua_pushlstring(L, path, len);
		lua_gettable(L, -2);
		lua_remove(L, -2);
		if (path[len] == '\0')
			return is_callable(L);
		path += len + 1;
	}
	return false;
}

/* Replaces what the chunk returned by the entry point. */
static void find_entry(lua_State *L)
{
	const char *entry = lua_in_of(L)->in->entry;
	int at = lua_gettop(L);

	if (entry[0] == '\0')
		entry = "handler";
	if (lua_isfunction(L, -1))
		return;
	if (lua_istable(L, -1)) {
		lua_pushvalue(L, -1);
		if (walk(L, entry)) {
			lua_replace(L, at);
			return;
		}
		lua_pop(L, 1);
	}
	lua_pushglobaltable(L);
	if (walk(L, entry)) {
		lua_replace(L, at);
		return;
	}
	lua_in_of(L)->stage = INSIDE_FAIL_ENTRY;
	lua_pushfstring(L, "no function '%s'", entry);
	(void)lua_error(L);
}

/* Can the entry point on top see a second argument? Most handlers have none,
 * and making the context is a third of a small call. */
static bool takes_context(lua_State *L)
{
	lua_Debug ar;

	if (!lua_isfunction(L, -1))
		return true;
	lua_pushvalue(L, -1);
	(void)lua_getinfo(L, ">u", &ar);
	return ar.isvararg || ar.nparams > 1;
}

bool lua_load_entry(lua_State *L)
{
	lua_call(L, 0, 1);
	find_entry(L);
	return takes_context(L);
}
