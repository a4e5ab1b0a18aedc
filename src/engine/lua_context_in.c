/*
 * Contexts: each call of a function that asked for them finds the globals as
 * the chunk leaves them when it has just run, whatever calls before it did.
 * Runs in U.
 *
 * A context is a table of globals, the libraries in it, the metatable of
 * strings and what the chunk made of them. The compiled code, the strings and
 * the heap are the isolate's, one for all. The chunk is one closure, called
 * once for each context: its _ENV is joined to a new variable before, so that
 * the functions it makes keep the one that was there when they were made.
 *
 * What a script can reach and could leave something in is the context's own;
 * all else can't be changed:
 *
 *   globals, libraries, metatable of log and of strings, math.random   copies
 *   metatables of functions, json.null and json's arrays               hidden
 *   finalizers, which would run in a later call's context               not set
 *   coroutines, closures, tables                    reached from the context
 */
#include "engine/lua_in.h"

/* In the registry. The libraries use no numbers there. */
enum {
	REF_GLOBALS = 64, /* as lists of fields: what a context begins with */
	REF_STRINGS,	  /* their metatable, likewise */
	REF_NOTHING,	  /* an empty table: the globals of nobody */
	REF_CHUNK,
	REF_VARIABLE, /* makes a closure with its argument as upvalue */
	REF_READY,    /* list; of each context: */
};
enum {
	PART_GLOBALS = 1,
	PART_STRINGS,
	PART_ENTRY,
	PART_TAKES, /* the entry point has a second parameter */
	PARTS = PART_TAKES,
};

static void push_ref(lua_State *L, int ref)
{
	(void)lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
}

/* Pops it. */
static void set_ref(lua_State *L, int ref)
{
	lua_rawseti(L, LUA_REGISTRYINDEX, ref);
}

/* As the original, but for __gc: without it when the metatable is set, there
 * is no finalizer. */
static int context_setmetatable(lua_State *L)
{
	int type = lua_type(L, 2);

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(
		L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
		return luaL_error(L, "cannot change a protected metatable");
	lua_settop(L, 2);
	if (type == LUA_TNIL) {
		lua_setmetatable(L, 1);
		return 1;
	}
	lua_pushliteral(L, "__gc");
	lua_pushvalue(L, -1);
	if (lua_rawget(L, 2) != LUA_TNIL) {
		lua_pushvalue(L, 3);
		lua_pushnil(L);
		lua_rawset(L, 2);
	}
	lua_pushvalue(L, 2);
	lua_setmetatable(L, 1);
	if (!lua_isnil(L, 4))
		lua_rawset(L, 2);
	lua_settop(L, 1);
	return 1;
}

/* Copies -------------------------------------------------------------------*/

static int count(lua_State *L, int table)
{
	int n = 0;

	lua_pushnil(L);
	for (; lua_next(L, table); lua_pop(L, 1))
		n++;
	return n;
}

/* Lists are faster to go through than tables. {name, value, ...}; at 0 stands
 * the list of the metatable, if there is one. */
static void push_list(lua_State *L, int table)
{
	int list = lua_gettop(L) + 1;
	lua_Integer n = 0;

	lua_createtable(L, 2 * count(L, table), 0);
	lua_pushnil(L);
	while (lua_next(L, table)) {
		lua_pushvalue(L, -2);
		lua_rawseti(L, list, ++n);
		lua_rawseti(L, list, ++n);
	}
	if (!lua_getmetatable(L, table))
		return;
	push_list(L, list + 1);
	lua_rawseti(L, list, 0);
	lua_pop(L, 1);
}

/* Of the globals: a list stands for each library, the list itself for _G. */
static void push_globals_list(lua_State *L, int globals)
{
	int list = lua_gettop(L) + 1;

	push_list(L, globals);
	for (lua_Integer i = (lua_Integer)lua_rawlen(L, list); i > 0; i -= 2) {
		if (lua_rawgeti(L, list, i) == LUA_TTABLE) {
			if (lua_rawequal(L, -1, globals))
				lua_pushvalue(L, list);
			else
				push_list(L, list + 1);
			lua_rawseti(L, list, i);
		}
		lua_pop(L, 1);
	}
}

/* The table that a list is of. */
static void push_copy(lua_State *L, int list)
{
	lua_Integer n = (lua_Integer)lua_rawlen(L, list);
	int to = lua_gettop(L) + 1;

	lua_createtable(L, 0, (int)(n / 2));
	for (lua_Integer i = 1; i < n; i += 2) {
		(void)lua_rawgeti(L, list, i);
		(void)lua_rawgeti(L, list, i + 1);
		lua_rawset(L, to);
	}
	if (lua_rawgeti(L, list, 0) == LUA_TTABLE) {
		push_copy(L, to + 1);
		lua_setmetatable(L, to);
	}
	lua_settop(L, to);
}

/* The field of the library on top is a closure of one upvalue: pushes that, and
 * returns the function. */
static lua_CFunction open_closure(lua_State *L, int closure)
{
	(void)lua_getupvalue(L, closure, 1);
	return lua_tocfunction(L, closure);
}

/* math.random and math.randomseed of the library on top share a state, which is
 * what they have as upvalue: a new one. */
static void renew_random(lua_State *L)
{
	int math = lua_gettop(L);
	lua_CFunction random, seed, seed_base;
	int state;

	lua_getfield(L, math, "random");
	random = open_closure(L, math + 1);
	(void)lua_newuserdatauv(L, lua_rawlen(L, math + 2), 0);
	state = lua_gettop(L);
	lua_getfield(L, math, "randomseed");
	seed = open_closure(L, state + 1);
	seed_base = open_closure(L, state + 2);

	lua_pushvalue(L, state);
	lua_pushcclosure(L, random, 1);
	lua_setfield(L, math, "random");
	lua_pushvalue(L, state);
	lua_pushcclosure(L, seed_base, 1);
	lua_pushcclosure(L, seed, 1);
	lua_pushvalue(L, -1);
	lua_setfield(L, math, "randomseed");
	lua_call(L, 0, 0);
	lua_settop(L, math);
}

static void push_globals(lua_State *L)
{
	int list = lua_gettop(L) + 1;
	int to = list + 1;
	lua_Integer n;

	push_ref(L, REF_GLOBALS);
	n = (lua_Integer)lua_rawlen(L, list);
	lua_createtable(L, 0, (int)(n / 2));
	for (lua_Integer i = 1; i < n; i += 2) {
		(void)lua_rawgeti(L, list, i);
		if (lua_rawgeti(L, list, i + 1) == LUA_TTABLE) {
			if (lua_rawequal(L, -1, list))
				lua_pushvalue(L, to);
			else
				push_copy(L, to + 2);
			lua_replace(L, to + 2);
		}
		lua_rawset(L, to);
	}
	lua_remove(L, list);
	lua_getfield(L, list, "math");
	renew_random(L);
	lua_pop(L, 1);
}

/* Of strings that find their methods in `globals`. */
static void push_strings(lua_State *L, int globals)
{
	int from = lua_gettop(L) + 1;

	push_ref(L, REF_STRINGS);
	push_copy(L, from);
	lua_getfield(L, globals, "string");
	lua_setfield(L, -2, "__index");
	lua_remove(L, from);
}

/* Life ---------------------------------------------------------------------*/

/* From now on scripts run with these two. */
static void enter(lua_State *L, int globals, int strings)
{
	lua_pushvalue(L, globals);
	set_ref(L, LUA_RIDX_GLOBALS);
	lua_pushliteral(L, "");
	lua_pushvalue(L, strings);
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
}

/* What a context begins with. The tables that it is taken from are garbage. */
static void note_beginning(lua_State *L)
{
	int top = lua_gettop(L);

	lua_pushglobaltable(L);
	lua_pushcfunction(L, context_setmetatable);
	lua_setfield(L, top + 1, "setmetatable");
	push_globals_list(L, top + 1);
	set_ref(L, REF_GLOBALS);
	lua_pushliteral(L, "");
	(void)lua_getmetatable(L, -1);
	push_list(L, lua_gettop(L));
	set_ref(L, REF_STRINGS);
	lua_newtable(L);
	set_ref(L, REF_NOTHING);
	lua_settop(L, top);
	lua_context_leave(L);
}

void lua_context_open(lua_State *L)
{
	static const char variable[] =
		"local v = ... return function() return v end";

	set_ref(L, REF_CHUNK);
	note_beginning(L);
	if (luaL_loadbufferx(L, variable, sizeof(variable) - 1, "=context",
		    "t") != LUA_OK)
		(void)lua_error(L);
	set_ref(L, REF_VARIABLE);
	lua_newtable(L);
	set_ref(L, REF_READY);
	json_in_push_array_mark(L);
	lua_pushliteral(L, "json.array");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

/* Pushes the chunk, with the globals at that index as its own. */
static void push_chunk(lua_State *L, int globals)
{
	push_ref(L, REF_CHUNK);
	push_ref(L, REF_VARIABLE);
	lua_pushvalue(L, globals);
	lua_call(L, 1, 1);
	lua_upvaluejoin(L, -2, 1, -1, 1);
	lua_pop(L, 1);
}

void lua_context_make(lua_State *L)
{
	struct lua_in *lua = lua_in_of(L);
	int top = lua_gettop(L);
	int at = (int)(lua->n_ready * PARTS);

	luaL_checkstack(L, 16, "context");
	push_ref(L, REF_READY);
	push_globals(L);
	push_strings(L, top + 2);
	enter(L, top + 2, top + 3);
	push_chunk(L, top + 2);
	lua_pushboolean(L, lua_load_entry(L));
	for (int part = PARTS; part > 0; part--)
		lua_rawseti(L, top + 1, at + part);
	lua_settop(L, top);
	lua->n_ready++;
}

bool lua_context_take(lua_State *L)
{
	struct lua_in *lua = lua_in_of(L);
	int top = lua_gettop(L);
	bool takes;
	int at;

	if (lua->n_ready == 0)
		lua_context_make(L);
	at = (int)(--lua->n_ready * PARTS);
	push_ref(L, REF_READY);
	for (int part = 1; part <= PARTS; part++) {
		(void)lua_rawgeti(L, top + 1, at + part);
		lua_pushnil(L);
		lua_rawseti(L, top + 1, at + part);
	}
	takes = lua_toboolean(L, top + 1 + PART_TAKES);
	enter(L, top + 1 + PART_GLOBALS, top + 1 + PART_STRINGS);
	lua_pushvalue(L, top + 1 + PART_ENTRY);
	lua_replace(L, top + 1);
	lua_settop(L, top + 1);
	return takes;
}

void lua_context_drop(lua_State *L, size_t keep)
{
	struct lua_in *lua = lua_in_of(L);

	push_ref(L, REF_READY);
	for (; lua->n_ready > keep; lua->n_ready--)
		for (size_t part = 0; part < PARTS; part++) {
			lua_pushnil(L);
			lua_rawseti(L, -2,
				(lua_Integer)(lua->n_ready * PARTS - part));
		}
	lua_pop(L, 1);
}

void lua_context_leave(lua_State *L)
{
	push_ref(L, REF_NOTHING);
	set_ref(L, LUA_RIDX_GLOBALS);
	lua_pushliteral(L, "");
	lua_pushnil(L);
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
}
