/*
 * Lua inside the isolate: the story of one isolate from its first entry to its
 * last. Runs in U on the isolate's stack; its heap is the isolate's. Nothing
 * here protects anybody from the script, that is the domain's task; it only
 * makes every mishap of an honest script end in a typed failure.
 *
 *   lua_in_main   start, then for ever: do what in->op asks, leave
 *   load_*        state, libraries; chunk and entry point: lua_load_in.c
 *   prepare_*     a context for a call to come: lua_context_in.c
 *   invoke_*      decode the request, call the handler, encode its result
 *
 * The work is done in protected calls; `stage` tells what an error raised at
 * that moment means. Stack of the state between entries: 1 the message handler,
 * 2 the entry point, 3 the reply if it is a string (which keeps it alive).
 */
#include "engine/lua_in.h"

#include <string.h>

#include "base/check.h"
#include "engine/libc_in.h"

enum {
	SLOT_ON_ERROR = 1,
	SLOT_ENTRY,
	SLOTS = SLOT_ENTRY,
	/* Measured: an idle isolate that served thousands of calls keeps 32 KiB
	 * instead of 60 with Lua's own 200, 100 and no slower; what does
	 * nothing but allocate pays a tenth. */
	GC_PAUSE = 150,
	GC_STEPMUL = 400,
	GC_CREDIT_KB = 8, /* a fresh state may allocate before it collects */
};

/* Leaving ------------------------------------------------------------------*/

static void leave(struct lua_in *lua, enum inside_call how, uint64_t a,
	uint64_t b, uint64_t c)
{
	struct heap_in_stats s;

	heap_in_stats(lua->heap, &s);
	lua->in->heap_used = s.used;
	lua->in->heap_peak = s.peak;
	lua->in->contexts_ready = lua->n_ready;
	(void)gate_hostcall(how, a, b, c, 0);
}

static void leave_fail(
	struct lua_in *lua, enum inside_fail why, const char *s, size_t len)
{
	if (len > LUA_IN_MESSAGE_MAX)
		len = LUA_IN_MESSAGE_MAX;
	leave(lua, INSIDE_FAIL, why, (uintptr_t)s, len);
}

/* Text of the program lies outside what an isolate may hand out: copied. */
static void leave_fail_text(
	struct lua_in *lua, enum inside_fail why, const char *s)
{
	size_t len = strlen(s);

	CHECK_IN(len < sizeof(lua->text));
	memcpy(lua->text, s, len);
	leave_fail(lua, why, lua->text, len);
}

/* After a protected call: the error object is on top of the stack. */
static void leave_error(struct lua_in *lua, int status)
{
	size_t len;
	const char *s;

	if (status == LUA_ERRMEM) {
		leave_fail_text(lua, INSIDE_FAIL_NOMEM, "memory budget spent");
		return;
	}
	if (lua_type(lua->L, -1) != LUA_TSTRING) {
		leave_fail_text(
			lua, lua->stage, "error while reporting an error");
		return;
	}
	s = lua_tolstring(lua->L, -1, &len);
	leave_fail(lua, lua->stage, s, len);
}

/* Callbacks of the state ---------------------------------------------------*/

static void *on_alloc(void *ud, void *p, size_t old, size_t n)
{
	struct heap *h = ud;

	(void)old;
	if (n > 0)
		return heap_in_realloc(h, p, n);
	heap_in_free(h, p);
	return NULL;
}

/* An error outside any protected call: this engine is wrong somewhere. */
static int on_panic(lua_State *L)
{
	(void)L;
	__builtin_trap();
}

/* Lua's own warnings (an error in a finalizer), which come in pieces. */
static void on_warning(void *ud, const char *s, int more)
{
	struct lua_in *lua = ud;
	size_t room = sizeof(lua->text) - lua->text_len;
	size_t len = strnlen(s, room);

	memcpy(lua->text + lua->text_len, s, len);
	lua->text_len += len;
	if (more)
		return;
	lua_lib_log(INSIDE_LOG_WARN, lua->text, lua->text_len);
	lua->text_len = 0;
}

/* Replaces the error object at 1 by a string; false if that is all there is to
 * say, since a traceback would spoil it. */
static bool describe_error(lua_State *L)
{
	struct json_buf *b = &lua_in_of(L)->scratch;

	if (lua_type(L, 1) == LUA_TSTRING)
		return true;
	if (luaL_callmeta(L, 1, "__tostring") &&
		lua_type(L, -1) == LUA_TSTRING) {
		lua_replace(L, 1);
		return true;
	}
	json_buf_reset(b, LUA_IN_BUF_KEPT);
	if (lua_istable(L, 1) && json_in_encode(L, 1, "error", b) == 0) {
		lua_pushlstring(L, b->p, b->len);
		lua_replace(L, 1);
		return false;
	}
	lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
	lua_replace(L, 1);
	return true;
}

/* The frames at the bottom are this file's and say nothing. */
static size_t traceback_len(const char *s, size_t len)
{
	static const char ours[] = "\n\t[C]: in ?";
	static const char head[] = "\nstack traceback:";
	const size_t ours_len = sizeof(ours) - 1, head_len = sizeof(head) - 1;

	while (len >= ours_len && !memcmp(s + len - ours_len, ours, ours_len))
		len -= ours_len;
	if (len >= head_len && !memcmp(s + len - head_len, head, head_len))
		len -= head_len;
	return len;
}

/* Message handler: runs where the error was raised, with the stack intact. */
static int on_error(lua_State *L)
{
	enum inside_fail stage = lua_in_of(L)->stage;
	const char *s;
	size_t len;

	if (stage != INSIDE_FAIL_ERROR && stage != INSIDE_FAIL_LOAD)
		return 1;
	lua_settop(L, 1);
	if (!describe_error(L)) {
		lua_settop(L, 1);
		return 1;
	}
	/* luaL_traceback would end the message at its first zero byte. */
	lua_pushvalue(L, 1);
	lua_pushliteral(L, "\n");
	luaL_traceback(L, L, NULL, 1);
	lua_concat(L, 3);
	s = lua_tolstring(L, -1, &len);
	lua_pushlstring(L, s, traceback_len(s, len));
	return 1;
}

/* Loading ------------------------------------------------------------------*/

/* Protected. Returns the entry point, which contexts have each for itself. */
static int load_code(lua_State *L)
{
	struct lua_in *lua = lua_in_of(L);

	lua_lib_open(L);
	lua_load_chunk(L);
	if (lua->in->contexts == 0) {
		lua->takes_context = lua_load_entry(L);
		return 1;
	}
	lua_context_open(L);
	lua_context_make(L);
	return 0;
}

/* False: has left with a failure. */
static bool load(struct lua_in *lua)
{
	lua_State *L;
	int status;

	CHECK_IN(!lua->L);
	lua->stage = INSIDE_FAIL_LOAD;
	L = lua_newstate(on_alloc, lua->heap);
	if (!L) {
		leave_error(lua, LUA_ERRMEM);
		return false;
	}
	lua->L = L;
	*(struct lua_in **)lua_getextraspace(L) = lua;
	lua_atpanic(L, on_panic);
	lua_setwarnf(L, on_warning, lua);
	lua_gc(L, LUA_GCSTOP);
	lua_pushcfunction(L, on_error);
	lua_pushcfunction(L, load_code);
	status = lua_pcall(L, 0, 1, SLOT_ON_ERROR);
	if (status != LUA_OK) {
		leave_error(lua, status);
		return false;
	}
	lua->loaded = true;
	lua_gc(L, LUA_GCRESTART);
	/* A negative step is credit: short lives end before they collect. */
	lua_gc(L, LUA_GCSTEP, -GC_CREDIT_KB);
	lua_gc(L, LUA_GCINC, GC_PAUSE, GC_STEPMUL, 0);
	return true;
}

/* Invoking -----------------------------------------------------------------*/

static void drop_buffer(struct lua_in *lua)
{
	heap_in_free(lua->heap, lua->buffer);
	lua->buffer = NULL;
}

static void push_event(lua_State *L)
{
	struct lua_in *lua = lua_in_of(L);
	const struct inside *in = lua->in;
	struct json_in_error e;

	if (in->req_len == 0)
		lua_pushnil(L);
	else if (json_in_decode(L, (const char *)in->req, in->req_len, &e))
		(void)luaL_error(L, "invalid JSON at byte %I: %s",
			(LUAI_UACINT)e.at, e.what);
	/* A body that is null is as good as none. */
	if (lua_islightuserdata(L, -1)) {
		lua_pop(L, 1);
		lua_pushnil(L);
	}
	drop_buffer(lua);
}

/* Protected; 1 is the entry point. Returns the result if it is a string, else
 * the reply buffer has its text. */
static int invoke_entry(lua_State *L)
{
	struct lua_in *lua = lua_in_of(L);

	lua->stage = INSIDE_FAIL_REQUEST;
	push_event(L);
	if (lua->in->contexts) {
		lua->stage = INSIDE_FAIL_LOAD;
		lua->takes_context = lua_context_take(L);
		lua_replace(L, 1);
	}
	if (lua->takes_context)
		lua_lib_push_context(L);
	lua->stage = INSIDE_FAIL_ERROR;
	lua_call(L, lua->takes_context ? 2 : 1, 1);
	lua->stage = INSIDE_FAIL_RESPONSE;
	if (lua_type(L, -1) == LUA_TSTRING)
		return 1;
	lua_lib_encode(L, -1, "result", &lua->reply);
	return 0;
}

static void invoke(struct lua_in *lua)
{
	lua_State *L = lua->L;
	const char *text;
	size_t len;
	int status;

	lua_pushcfunction(L, invoke_entry);
	lua_pushvalue(L, SLOT_ENTRY);
	status = lua_pcall(L, 1, LUA_MULTRET, SLOT_ON_ERROR);
	if (status != LUA_OK) {
		leave_error(lua, status);
		return;
	}
	if (lua_gettop(L) == SLOTS) {
		leave(lua, INSIDE_REPLY, (uintptr_t)lua->reply.p,
			lua->reply.len, INSIDE_REPLY_JSON);
		return;
	}
	text = lua_tolstring(L, -1, &len);
	leave(lua, INSIDE_REPLY, (uintptr_t)text, len, INSIDE_REPLY_TEXT);
}

/* Entries ------------------------------------------------------------------*/

/* What the entry before left for the runtime to read is not needed any more. */
static void forget_reply(struct lua_in *lua)
{
	if (lua->loaded)
		lua_settop(lua->L, SLOTS);
	json_buf_reset(&lua->reply, LUA_IN_BUF_KEPT);
}

/* Protected. What waits to be used may not take what calls need. */
static int prepare_context(lua_State *L)
{
	struct lua_in *lua = lua_in_of(L);
	struct heap_in_stats s;

	lua_context_leave(L);
	heap_in_stats(lua->heap, &s);
	if (s.used > s.limit / 2) {
		lua_gc(L, LUA_GCCOLLECT);
		heap_in_stats(lua->heap, &s);
	}
	if (s.used <= s.limit / 2)
		lua_context_make(L);
	lua_context_leave(L);
	return 0;
}

/* A failure costs that context. Nobody waits for it: the log tells. */
static void prepare(struct lua_in *lua)
{
	lua_State *L = lua->L;
	const char *s;
	size_t len;
	int status;

	if (lua->n_ready >= lua->most_ready)
		return;
	lua->stage = INSIDE_FAIL_LOAD;
	lua_pushcfunction(L, prepare_context);
	status = lua_pcall(L, 0, 0, SLOT_ON_ERROR);
	if (status == LUA_OK)
		return;
	/* A heap in pieces is spent before it is full. */
	if (status == LUA_ERRMEM) {
		lua->most_ready = lua->n_ready / 2;
		lua_context_drop(L, lua->most_ready);
	}
	s = lua_tolstring(L, -1, &len);
	if (s)
		lua_lib_log(INSIDE_LOG_WARN, s, len);
	lua_settop(L, SLOTS);
}

static void entry_load(struct lua_in *lua)
{
	bool again = lua->loaded;

	if (!again && !load(lua))
		return;
	if (again)
		prepare(lua);
	leave(lua, INSIDE_READY, 0, 0, 0);
}

static void entry_invoke(struct lua_in *lua)
{
	/* A request that came by the window leaves an older buffer unused. */
	if ((uintptr_t)lua->buffer != lua->in->req)
		drop_buffer(lua);
	if (lua->loaded || load(lua))
		invoke(lua);
}

static void entry_alloc(struct lua_in *lua)
{
	drop_buffer(lua);
	lua->buffer = heap_in_alloc(lua->heap, lua->in->want);
	if (!lua->buffer && lua->loaded) {
		lua_gc(lua->L, LUA_GCCOLLECT);
		lua->buffer = heap_in_alloc(lua->heap, lua->in->want);
	}
	leave(lua, INSIDE_BUFFER, (uintptr_t)lua->buffer, 0, 0);
}

void lua_in_main(struct inside *in)
{
	struct lua_in lua = {.in = in};

	random_in_init(&lua.random, in->seed);
	memset(in->seed, 0, sizeof(in->seed));
	libc_in_start(random_in_u64(&lua.random));
	lua.heap = heap_in_init((void *)in->heap, in->heap_len);
	CHECK_IN(lua.heap);
	lua.reply.heap = lua.heap;
	lua.scratch.heap = lua.heap;
	lua.most_ready = in->contexts;
	for (;;) {
		forget_reply(&lua);
		switch (in->op) {
		case INSIDE_LOAD:
			entry_load(&lua);
			break;
		case INSIDE_INVOKE:
			entry_invoke(&lua);
			break;
		case INSIDE_ALLOC:
			entry_alloc(&lua);
			break;
		default:
			__builtin_trap();
		}
	}
}
