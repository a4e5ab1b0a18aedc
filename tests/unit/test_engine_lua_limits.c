/*
 * engine/lua at its limits: too little memory at every point of a life, deep
 * recursion of every kind, large values. Each must end typed, and the isolate's
 * stack must be large enough for the worst.
 */
#include "inside_host.h"

#include "engine/lua_in.h"

static const char *run_in(size_t heap, const char *code, const char *body)
{
	static char out[4096];
	struct host *h = host_new(&engine_lua, code, strlen(code), heap);

	host_invoke(h, body, strlen(body));
	snprintf(out, sizeof(out), "%s", host_result(h));
	host_free(h);
	return out;
}

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* Sizes in small steps make the allocation fail at every place there is. */
static void sweep(const char *code, const char *body, const char *want)
{
	size_t heap = 2048, good = 0, failed = 0;

	for (; good < 20; heap += 48) {
		const char *r = run_in(heap, code, body);

		if (starts(r, "fail 4:")) {
			/* Not for good: collections fall elsewhere. */
			good = 0;
			failed++;
			continue;
		}
		cr_assert_str_eq(r, want, "at %zu", heap);
		good++;
	}
	cr_assert_gt(failed, 100);
}

Test(engine_lua_limits, memory_hello)
{
	sweep("function handler() return 'hi' end", "", "text:hi");
}

Test(engine_lua_limits, memory_json)
{
	sweep("function handler(e) local t = {} for i = 1, 50 do "
	      "t[i] = e.name .. i end return {#t} end",
		"{\"name\":\"abcd\\u00e9\",\"l\":[[],[1,2,{\"a\":\"b\"}]]}",
		"json:[50]");
}

Test(engine_lua_limits, memory_reply)
{
	sweep("function handler() local t = {} for i = 1, 40 do t[i] = "
	      "json.encode({i, 'abcdefghijklmnopqrstuvwxyz'}) end "
	      "return {#table.concat(t)} end",
		"", "json:[1311]");
}

/* A result just too large for the budget as text. */
Test(engine_lua_limits, memory_result)
{
	const char *code = "function handler() local s = ('x'):rep(3 << 18) "
			   "return {s, s, s, s} end";

	cr_assert(starts(run_in(2 << 20, code, ""), "fail 4:"));
	cr_assert(starts(run_in(16 << 20, code, ""), "json:[\"xxx"));
}

Test(engine_lua_limits, memory_bombs)
{
	static const char *const bombs[] = {
		"function handler() local t = {} while true do t[#t+1] = {} "
		"end end",
		"function handler() local s = 'x' while true do s = s .. s end "
		"end",
		"function handler() return ('x'):rep(1 << 40) end",
		"function handler() return ('x'):rep(-1 >> 1) end",
		"function handler() local t = {} for i = 1, 1e9 do t[i] = i "
		"end end",
		"function handler() return table.concat({}, 'x', 1, 1e15) end",
	};

	for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++) {
		const char *r = run_in(8 << 20, bombs[i], "");

		cr_assert(starts(r, "fail 4:") || starts(r, "fail 3:"),
			"%zu: %s", i, r);
	}
}

/* A script may catch the memory error and go on. */
Test(engine_lua_limits, memory_caught)
{
	cr_assert_str_eq(
		run_in(4 << 20,
			"function handler() local ok, e = pcall(string.rep, "
			"'x', 1 << 30) return {ok, e} end",
			""),
		"json:[false,\"not enough memory\"]");
}

static size_t stack_used(const char *code)
{
	struct host *h = host_new(&engine_lua, code, strlen(code), 32 << 20);
	unsigned char *stack = (unsigned char *)(uintptr_t)h->in->stack;
	size_t free_bytes = 0;

	memset(stack, 0xA5, HOST_STACK);
	host_invoke(h, "", 0);
	cr_assert(h->nr == INSIDE_REPLY || h->nr == INSIDE_FAIL);
	while (free_bytes < HOST_STACK && stack[free_bytes] == 0xA5)
		free_bytes++;
	host_free(h);
	return HOST_STACK - free_bytes;
}

/* Lua counts C levels (200) and not their bytes; the deepest frames win. */
Test(engine_lua_limits, c_stack)
{
	static const char *const deep[] = {
		"function handler() local function f() "
		"return (string.gsub('x', 'x', f)) end return pcall(f) end",
		"function handler() local function f() return "
		"(string.gsub('x', 'x', f)) end local function g() "
		"return xpcall(f, g) end return xpcall(f, g) end",
		"function handler() local t = setmetatable({}, {}) "
		"getmetatable(t).__tostring = function() return "
		"string.format('%99.99f%s', -1e308, t) end "
		"return pcall(tostring, t) end",
		"function handler() local t t = setmetatable({}, {__index = "
		"function() return table.concat(t, ',', 1, 2) end}) "
		"return pcall(table.concat, t, ',', 1, 2) end",
		"function handler() local function f() "
		"return pcall(f) end return f() end",
		"function handler() local function f() "
		"return coroutine.wrap(f)() end return pcall(f) end",
		"function handler() local function f() return "
		"load(function() return f() end) end return pcall(f) end",
		"function handler() local function f() table.sort({3, 2, 1}, "
		"f) end return pcall(f) end",
		"function handler() local n, t = 0, {} for i = 1, 127 do "
		"t = {t} end local function g() n = n + 1 if n > 195 then "
		"return json.encode(t) end return (string.gsub('x', 'x', g)) "
		"end return pcall(g) end",
		"function handler() local n, s = 0, ('('):rep(150) .. 'x' .. "
		"(')'):rep(150) local function g() n = n + 1 if n > 40 then "
		"return load(s) end return (string.gsub('x', 'x', g)) "
		"end return pcall(g) end",
	};

	for (size_t i = 0; i < sizeof(deep) / sizeof(*deep); i++) {
		size_t n = stack_used(deep[i]);

		cr_assert_leq(n, LUA_IN_STACK * 7 / 8, "%zu: %zu", i, n);
	}
}

Test(engine_lua_limits, lua_stack)
{
	const char *r = run_in(256 << 20,
		"local function f() return f() + 1 end "
		"function handler() return f() end",
		"");

	cr_assert(starts(r, "fail 3:hello:1: stack overflow"), "%s", r);
}

Test(engine_lua_limits, deep_json)
{
	char body[2 * JSON_IN_DEPTH + 8];
	const char *echo = "function handler(e) return e end";
	size_t n = JSON_IN_DEPTH;

	memset(body, '[', n);
	memset(body + n, ']', n);
	body[2 * n] = '\0';
	cr_assert(starts(run_in(1 << 20, echo, body), "json:[[[["));
	memset(body, '[', n + 1);
	memset(body + n + 1, ']', n + 1);
	body[2 * n + 2] = '\0';
	cr_assert_str_eq(run_in(1 << 20, echo, body),
		"fail 6:invalid JSON at byte 128: nested too deeply");
	cr_assert(starts(run_in(1 << 20,
				 "function handler() local t = 1 for i = 1, "
				 "129 do t = {t} end return t end",
				 ""),
		"fail 5:result[1][1]"));
}

/* A message is cut rather than copied whole. */
Test(engine_lua_limits, long_message)
{
	struct host *h;
	const char *code = "function handler() error(('x'):rep(1 << 20)) end";

	h = host_new(&engine_lua, code, strlen(code), 16 << 20);
	host_invoke(h, "", 0);
	cr_assert_eq(h->nr, INSIDE_FAIL);
	cr_assert_eq(h->args[2], LUA_IN_MESSAGE_MAX);
}

/* The code's memory is given to the heap once it is loaded. */
Test(engine_lua_limits, large_code)
{
	static char code[300000];
	struct host *h;

	memset(code, ' ', sizeof(code) - 1);
	memcpy(code, "function handler() return ('x'):rep(200000) end", 47);
	h = host_new(&engine_lua, code, strlen(code), 240000);
	host_invoke(h, "", 0);
	cr_assert(starts(host_result(h), "text:xxxx"));
}

/* The runtime never asks for anything else; if memory says so, trap. */
Test(engine_lua_limits, unknown_op_traps, .signal = SIGILL)
{
	struct host *h = host_new(&engine_lua, "x", 1, 1 << 20);

	host_enter(h, (enum inside_op)99);
}

Test(engine_lua_limits, no_heap_traps, .signal = SIGILL)
{
	struct host *h = host_new(&engine_lua, "x", 1, 64);

	host_enter(h, INSIDE_LOAD);
}
