/*
 * What decoding and encoding share: null, the array mark and the text buffer.
 * Runs in U.
 */
#include "engine/json_in.h"

#include "pkey/heap_in.h"

/* Only its address is used: the key of the mark in the registry. */
static const char array_mark_key;

static int null_tostring(lua_State *L)
{
	lua_pushliteral(L, "null");
	return 1;
}

void json_in_init(lua_State *L)
{
	lua_createtable(L, 0, 1);
	lua_pushliteral(L, "json.array");
	lua_setfield(L, -2, "__name");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &array_mark_key);

	/* All light userdata share this; the only one scripts meet is null. */
	json_in_push_null(L);
	lua_createtable(L, 0, 2);
	lua_pushcfunction(L, null_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
}

void json_in_push_null(lua_State *L)
{
	lua_pushlightuserdata(L, NULL);
}

void json_in_push_array_mark(lua_State *L)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark_key);
}

void json_in_mark_array(lua_State *L)
{
	json_in_push_array_mark(L);
	lua_setmetatable(L, -2);
}

void json_buf_reset(struct json_buf *b, size_t keep)
{
	if (b->cap > keep) {
		heap_in_free(b->heap, b->p);
		b->p = NULL;
		b->cap = 0;
	}
	b->len = 0;
}
