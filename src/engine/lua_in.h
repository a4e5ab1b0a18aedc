#pragma once
/*
 * What the parts of the Lua engine that run inside the isolate share. One
 * struct lua_in stands on the isolate's stack for as long as the isolate lives.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

#include "engine/inside.h"
#include "engine/json_in.h"
#include "engine/random_in.h"
#include "pkey/heap_in.h"

enum {
	/* Stack the isolate needs: 200 nested C calls of the kind with the
	 * largest frames take 475 KiB. Only what is used is touched. */
	LUA_IN_STACK = 640 << 10,
	LUA_IN_MESSAGE_MAX = 65536, /* of an error, with its traceback */
	LUA_IN_TEXT_MAX = 256,
	LUA_IN_BUF_KEPT = 4096, /* of a buffer, between uses */
};

struct lua_in {
	struct inside *in;
	struct heap *heap;
	lua_State *L; /* NULL until loaded */
	bool loaded;
	bool takes_context;	/* the entry point has a second parameter */
	enum inside_fail stage; /* what an error raised now would mean */
	void *buffer;		/* given out by INSIDE_ALLOC and not yet used */
	size_t n_ready;		/* contexts that no call has had yet */
	size_t most_ready;
	struct json_buf reply;
	struct json_buf scratch; /* json.encode's */
	struct random_in random;
	lua_CFunction base_load; /* the originals behind our own versions */
	lua_CFunction base_collectgarbage;
	lua_CFunction base_format;
	size_t text_len;
	char text[LUA_IN_TEXT_MAX]; /* warnings and messages of our own */
};

static inline struct lua_in *lua_in_of(lua_State *L)
{
	return *(struct lua_in **)lua_getextraspace(L);
}

/* Inside half of engine_lua. */
inside_main_fn lua_in_main;

/* Pushes the code as a function. Offers its compiled form, if that is wanted,
 * and gives the room of the code to the heap. Raises what is wrong with it. */
void lua_load_chunk(lua_State *L);
/* Calls the chunk on top and replaces it by the entry point; true: that has a
 * second parameter. */
bool lua_load_entry(lua_State *L);

/* Contexts (lua_context_in.c), for functions that have them. The first call
 * takes the chunk on top. All may raise a memory error. */
void lua_context_open(lua_State *L);
/* Makes one more ready; raises what the chunk raises. */
void lua_context_make(lua_State *L);
/* Makes a ready one, or a new one, the present one. Pushes its entry point;
 * true: that has a second parameter. */
bool lua_context_take(lua_State *L);
/* Gives ready ones up but for so many; raises nothing. */
void lua_context_drop(lua_State *L, size_t keep);
/* There is no present one: the last call's is garbage. */
void lua_context_leave(lua_State *L);

/* Sets the globals scripts may see. May raise a memory error. */
void lua_lib_open(lua_State *L);
/* Pushes the second argument of a handler. */
void lua_lib_push_context(lua_State *L);
/* json_in_encode() into b alone; raises what it returns. */
void lua_lib_encode(
	lua_State *L, int idx, const char *name, struct json_buf *b);
/* Sends one line to the function's log. */
void lua_lib_log(enum inside_log level, const char *s, size_t len);
