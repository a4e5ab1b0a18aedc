/*
 * engine/lua: contexts, and code that was compiled in another isolate. Every
 * way by which one call could leave something for the next is tried with
 * contexts, where it must not work, and without, to see that the way is one.
 */
#include "inside_host.h"

enum {
	HEAP = 4 << 20
};

static struct host *load(const char *code, uint32_t contexts)
{
	struct host *h = host_new(&engine_lua, code, strlen(code), HEAP);

	h->in->contexts = contexts;
	return h;
}

static const char *call(struct host *h)
{
	host_invoke(h, "", 0);
	return host_result(h);
}

static void prepare(struct host *h)
{
	host_enter(h, INSIDE_LOAD);
	cr_assert_eq(h->nr, INSIDE_READY);
}

/*
 * `leave` is a statement that a first call runs, `seen` an expression that is
 * true for a second call if it finds something.
 */
static const struct way {
	const char *leave;
	const char *seen;
} ways[] = {
	{"x = 1", "x ~= nil"},
	{"_G.x = 1", "rawget(_G, 'x') ~= nil"},
	{"_ENV.x = 1", "x ~= nil"},
	{"n = n + 1", "n ~= 0"},
	{"hidden()", "hidden() > 1"},
	{"local_table.x = 1", "local_table.x ~= nil"},
	{"print = nil", "print == nil"},
	{"string.x = 1", "string.x ~= nil"},
	{"string.upper = string.lower", "string.upper('a') == 'a'"},
	{"string.upper = string.lower", "('a'):upper() == 'a'"},
	{"getmetatable('').x = 1", "getmetatable('').x ~= nil"},
	{"getmetatable('').__index = {upper = function() return 'x' end}",
		"('a'):upper() == 'x'"},
	{"getmetatable('').__add = function() return 'x' end",
		"'1' + '1' == 'x'"},
	{"getmetatable('').__call = function() return 'x' end",
		"pcall(function() return ('a')() end)"},
	{"table.x = 1", "table.x ~= nil"},
	{"math.x = 1", "math.x ~= nil"},
	{"coroutine.x = 1", "coroutine.x ~= nil"},
	{"utf8.x = 1", "utf8.x ~= nil"},
	{"json.x = 1", "json.x ~= nil"},
	{"json.encode = nil", "json.encode == nil"},
	{"time.x = 1", "time.x ~= nil"},
	{"random.x = 1", "random.x ~= nil"},
	{"log.x = 1", "log.x ~= nil"},
	{"getmetatable(log).__call = nil", "not pcall(log, 'x')"},
	{"getmetatable(log).x = 1", "getmetatable(log).x ~= nil"},
	{"setmetatable(_G, {__index = function() return 7 end})", "y == 7"},
	{"setmetatable(string, {__index = {x = 1}})", "('a').x ~= nil"},
	{"pcall(function() getmetatable(json.array{}).x = 1 end)",
		"pcall(function() return getmetatable(json.array{}).x.y end) "
		"or "
		"select(2, pcall(function() "
		"return getmetatable(json.array{}).x + 0 end)) == 1"},
	{"pcall(function() getmetatable(json.array{}).__index = {z = 5} end)",
		"json.array{}.z == 5"},
	{"pcall(function() getmetatable(json.array{}).__index = {z = 5} end)",
		"json.decode('[]').z == 5"},
	{"load('x = 1')()", "x ~= nil"},
	{"load('x = 1')()", "load('return x')() ~= nil"},
	{"load('function f() return 1 end')()", "f ~= nil"},
	{"co = coroutine.wrap(function() coroutine.yield(1) end) co()",
		"co ~= nil"},
	{"math.randomseed(7) kept = math.random(1 << 40)",
		"kept and (math.randomseed(7) or true) and "
		"kept == math.random(1 << 40)"},
	{"setmetatable({}, {__gc = function() _G.x = 1 end}) "
	 "collectgarbage()",
		"x ~= nil"},
	{"setmetatable({}, {__gc = function() load('x = 1')() end})",
		"(collectgarbage() or true) and load('return x')() ~= nil"},
	{"setmetatable({}, {__gc = function() getmetatable('').x = 1 end})",
		"(collectgarbage() or true) and getmetatable('').x ~= nil"},
	{"pcall(function() getmetatable(json.array{}).__gc = function() "
	 "load('x = 1')() end json.decode('[[]]') end)",
		"(collectgarbage() or true) and load('return x')() ~= nil"},
	{"warn('@off')", "false"},
};

static const char *const way_code =
	"n = 0 local_table = {} local h = 0 "
	"function hidden() h = h + 1 return h end "
	"function handler(e) if e == 1 then %s return 'left' end "
	"return %s end";

/* What a second call finds. */
static const char *way_try(const struct way *w, uint32_t contexts, bool early)
{
	char code[2048];
	struct host *h;

	snprintf(code, sizeof(code), way_code, w->leave, w->seen);
	h = load(code, contexts);
	if (early)
		for (int i = 0; i < 4; i++)
			prepare(h);
	host_invoke(h, "1", 1);
	cr_assert_str_eq(host_result(h), "text:left", "%s: %s", w->leave,
		host_result(h));
	return call(h);
}

Test(engine_lua_contexts, nothing_is_left)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		cr_expect_str_neq(way_try(&ways[i], 1, false), "json:true",
			"%s", ways[i].leave);
		cr_expect_str_neq(way_try(&ways[i], 4, true), "json:true", "%s",
			ways[i].leave);
	}
}

Test(engine_lua_contexts, without_them_it_is)
{
	for (size_t i = 0; i + 1 < sizeof(ways) / sizeof(*ways); i++)
		cr_expect_str_eq(way_try(&ways[i], 0, false), "json:true", "%s",
			ways[i].leave);
}

/* Also not from the chunk of one to another, which is made in between. */
Test(engine_lua_contexts, chunks_do_not_meet)
{
	struct host *h = load("seen = string.mark string.mark = 1 "
			      "function handler() return seen == nil and "
			      "('').mark == 1 and load('return seen')() == nil "
			      "end",
		3);

	for (int i = 0; i < 8; i++) {
		if (i % 3 == 0)
			prepare(h);
		cr_assert_str_eq(call(h), "json:true");
	}
}

/* In a context everything is as it is without, but for what is said here. */
Test(engine_lua_contexts, globals_are_the_same)
{
	static const char *const exprs[] = {
		"(function() local l = {} for k, v in pairs(_G) do "
		"l[#l + 1] = k if type(v) == 'table' and v ~= _G then "
		"for n, f in pairs(v) do l[#l + 1] = k .. '.' .. n .. "
		"type(f) end end end table.sort(l) "
		"return table.concat(l, ' ') end)()",
		"(function() local l = {} for k, v in "
		"pairs(getmetatable('')) do l[#l + 1] = k .. type(v) end "
		"table.sort(l) return table.concat(l, ' ') end)()",
		"_G == _ENV and _G._G == _G and "
		"getmetatable('').__index == string",
		"getmetatable(log) ~= nil and getmetatable(_G) == nil",
		"select(2, pcall(setmetatable, 1, {}))",
		"select(2, pcall(setmetatable, {}, 1))",
		"select(2, pcall(setmetatable, {}))",
		"select(2, pcall(setmetatable, "
		"setmetatable({}, {__metatable = 1}), {}))",
		"getmetatable(setmetatable(setmetatable({}, {}), nil)) == nil",
		"setmetatable({}, {__index = {x = 5}}).x",
		"rawget(getmetatable(setmetatable({}, {__gc = print})), "
		"'__gc') == print",
		"math.type(math.random(3)) .. #{math.randomseed(3)}",
		"(math.randomseed(3) or true) and math.random(1 << 30)",
		"tostring(print) .. tostring(json.null)",
		"json.encode(json.array{}) .. json.encode(json.decode('[[]]'))",
		"('x'):rep(3) .. ('%d'):format(4) .. '1' + 1",
		"select(2, pcall(error, {code = 5})).code",
	};

	for (size_t i = 0; i < sizeof(exprs) / sizeof(*exprs); i++) {
		char code[2048], plain[8192];

		snprintf(code, sizeof(code), "function handler() return %s end",
			exprs[i]);
		snprintf(plain, sizeof(plain), "%s", call(load(code, 0)));
		cr_expect_str_eq(call(load(code, 1)), plain, "%s", exprs[i]);
	}
}

Test(engine_lua_contexts, numbers_differ)
{
	struct host *h =
		load("function handler() return math.random(0) end", 2);
	char first[64];

	snprintf(first, sizeof(first), "%s", call(h));
	cr_assert_str_neq(call(h), first);
}

/* Messages, and where in the text: as without contexts. */
Test(engine_lua_contexts, errors)
{
	static const char *const codes[] = {
		"function handler()\nlocal x = nil\nreturn x.y end",
		"error('at the top')",
		"\n\nerror({code = 5})",
		"#!/usr/bin/lua\n\nx = nil + 1",
		"\xEF\xBB\xBFx = nil + 1",
		"syntax error here",
		"end function x()",
		"end, function() print(1)",
		"return function() error() end",
		"x = 1",
		"handler = 'no'",
		"function handler() (function() error('deep') end)() end",
		"function handler() return {f = print} end",
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		char plain[4096];

		snprintf(plain, sizeof(plain), "%s", call(load(codes[i], 0)));
		cr_expect(strncmp(plain, "fail", 4) == 0, "%s", plain);
		cr_expect_str_eq(
			call(load(codes[i], 1)), plain, "%s", codes[i]);
	}
}

Test(engine_lua_contexts, entry_points)
{
	struct host *h = load("return function(e) return 'fn' end", 2);

	cr_assert_str_eq(call(h), "text:fn");
	cr_assert_str_eq(call(h), "text:fn");
	h = load("app = {main = function(e, c) return c.invocation_id end}", 2);
	strcpy(h->in->entry, "app.main");
	cr_assert_str_eq(call(h), "text:inv-1");
	strcpy(h->in->invocation, "inv-2");
	cr_assert_str_eq(call(h), "text:inv-2");
	h = load("handler = setmetatable({}, {__call = function(_, e) "
		 "return e end})",
		1);
	host_invoke(h, "5", 1);
	cr_assert_str_eq(host_result(h), "json:5");
}

/* Prepared: so many, and the chunk runs then and not when they are used. */
Test(engine_lua_contexts, prepared)
{
	struct host *h = load("log.info('chunk') "
			      "function handler() return 1 end",
		3);

	prepare(h);
	cr_assert_eq(h->in->contexts_ready, 1);
	prepare(h);
	prepare(h);
	cr_assert_eq(h->in->contexts_ready, 3);
	prepare(h);
	cr_assert_eq(h->in->contexts_ready, 3);
	cr_assert_str_eq(h->log, "1:chunk\n1:chunk\n1:chunk\n");
	for (unsigned i = 3; i > 0; i--) {
		cr_assert_str_eq(call(h), "json:1");
		cr_assert_eq(h->in->contexts_ready, i - 1);
	}
	cr_assert_eq(h->log_len, strlen("1:chunk\n") * 3);
	cr_assert_str_eq(call(h), "json:1");
	cr_assert_eq(h->log_len, strlen("1:chunk\n") * 4);
	cr_assert_eq(h->in->contexts_ready, 0);
	host_free(h);
	h = load("function handler() return 1 end", 0);
	prepare(h);
	prepare(h);
	cr_assert_eq(h->in->contexts_ready, 0);
}

/* A handler's error costs no prepared context but its own. */
Test(engine_lua_contexts, survive_errors)
{
	struct host *h = load("function handler(e) if e == 1 then error('x') "
			      "end return coroutine.wrap(function() return 1 "
			      "end)() end",
		3);

	prepare(h), prepare(h), prepare(h);
	host_invoke(h, "1", 1);
	cr_assert_eq(h->nr, INSIDE_FAIL);
	cr_assert_eq(h->in->contexts_ready, 2);
	host_invoke(h, "{", 1);
	cr_assert_eq(h->nr, INSIDE_FAIL);
	cr_assert_eq(h->in->contexts_ready, 2, "no call, no context");
	cr_assert_str_eq(call(h), "json:1");
	cr_assert_eq(h->in->contexts_ready, 1);
	prepare(h);
	cr_assert_eq(h->in->contexts_ready, 2);
}

/* A chunk that fails while nobody waits for it: the log tells. */
Test(engine_lua_contexts, preparation_fails)
{
	struct host *h = load("if time.mono() % 2 == 1 then error('odd') end "
			      "function handler() return 1 end",
		3);

	h->now_ns = 2000000000;
	prepare(h);
	h->now_ns = 3000000000;
	prepare(h);
	cr_assert_eq(h->in->contexts_ready, 1);
	cr_assert_not_null(strstr(h->log, "2:hello:1: odd"));
	cr_assert_str_eq(call(h), "json:1");
	cr_assert_eq(call(h)[0], 'f');
	cr_assert_eq(h->args[0], INSIDE_FAIL_LOAD);
	h->now_ns = 4000000000;
	prepare(h);
	cr_assert_str_eq(call(h), "json:1");
}

/* What is prepared leaves half of the budget to calls. */
Test(engine_lua_contexts, memory_is_for_calls)
{
	struct host *h =
		load("big = {} for i = 1, 25000 do big[i] = i end "
		     "function handler() local t = {} for i = 1, 60000 "
		     "do t[i] = i end return #t end",
			16);

	for (int i = 0; i < 16; i++)
		prepare(h);
	cr_assert_gt(h->in->contexts_ready, 1);
	cr_assert_lt(h->in->contexts_ready, 8);
	cr_assert_leq(h->in->heap_used, (uint64_t)HEAP * 3 / 4);
	cr_assert_str_eq(call(h), "json:60000");
	for (int i = 0; i < 100; i++) {
		prepare(h);
		cr_assert_str_eq(call(h), "json:60000");
	}
}

/* Also when the heap is in pieces: then there are fewer of them. */
Test(engine_lua_contexts, memory_in_pieces)
{
	struct host *h =
		load("t = ('x'):rep(400000) "
		     "function handler() return #('y'):rep(250000) end",
			16);

	for (int i = 0; i < 16; i++)
		prepare(h);
	cr_assert_not_null(strstr(h->log, "not enough memory"));
	for (int i = 0; i < 100; i++) {
		cr_assert_str_eq(call(h), "json:250000");
		prepare(h);
		cr_assert_leq(h->in->contexts_ready, 4);
	}
	cr_assert_gt(h->in->contexts_ready, 0);
}

/* Thousands of contexts come and go. */
Test(engine_lua_contexts, memory_is_flat)
{
	struct host *h = load("t = {} for i = 1, 50 do t[i] = {i} end "
			      "function handler(e) for i = 1, 100 do "
			      "t[i] = {e} end return e end",
		2);
	uint64_t peak = 0;

	for (int i = 0; i < 5000; i++) {
		if (i % 2)
			prepare(h);
		host_invoke(h, "{\"a\":[1,2,3]}", 13);
		cr_assert_str_eq(host_result(h), "json:{\"a\":[1,2,3]}");
		if (i == 500)
			peak = h->in->heap_peak;
	}
	cr_assert_leq(h->in->heap_peak, peak + 4096);
	cr_assert_leq(peak, 200000);
}

/* Compiled code ------------------------------------------------------------*/

/* Loads the text, and returns an isolate that has what it offered. */
static struct host *recompiled(const char *code, uint32_t contexts)
{
	struct host *from = load(code, contexts), *h;

	from->in->want = 100000;
	host_enter(from, INSIDE_LOAD);
	cr_assert_not_null(from->compiled, "%s", host_result(from));
	h = host_new(&engine_lua, from->compiled, from->compiled_len, HEAP);
	h->in->compiled = 1;
	h->in->contexts = contexts;
	return h;
}

Test(engine_lua_compiled, is_the_same)
{
	static const char *const codes[] = {
		"function handler(e) return {e, 'x', 1.5, 1 << 60, true} end",
		"#!/usr/bin/lua\nfunction handler()\nerror('third') end",
		"\xEF\xBB\xBF\nlocal function f() local x = nil\nreturn x.y end"
		"\nfunction handler() f() end",
		"return {handler = function(...) local a <const>, b = 5, ... "
		"return a end}",
		"local up = 0 function handler() up = up + 1 return up end",
		"error('at the top')",
		"x = 1",
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		for (uint32_t contexts = 0; contexts < 2; contexts++) {
			char plain[4096];

			snprintf(plain, sizeof(plain), "%s",
				call(load(codes[i], contexts)));
			cr_expect_str_eq(call(recompiled(codes[i], contexts)),
				plain, "%s", codes[i]);
		}
}

/* Before anything of the function has run, and once. */
Test(engine_lua_compiled, when_it_is_offered)
{
	struct host *h = load("log.info('run') function handler() end", 1);

	h->in->want = 10000;
	host_enter(h, INSIDE_LOAD);
	cr_assert_not_null(h->compiled);
	cr_assert_eq(h->logged_before, 0);
	cr_assert_gt(h->log_len, 0);
	host_enter(h, INSIDE_LOAD);
	call(h);
	h = load("function handler() end", 0);
	host_enter(h, INSIDE_LOAD);
	cr_assert_null(h->compiled, "not asked for");
	h = load("function handler() end", 0);
	h->in->want = 40;
	host_enter(h, INSIDE_LOAD);
	cr_assert_null(h->compiled, "more than was asked for");
	cr_assert_eq(h->nr, INSIDE_READY);
	h = load("syntax error", 0);
	h->in->want = 10000;
	host_enter(h, INSIDE_LOAD);
	cr_assert_null(h->compiled);
	cr_assert_eq(h->nr, INSIDE_FAIL);
}

/* Without room for a second form the text has to do. */
Test(engine_lua_compiled, no_memory)
{
	static char code[200000];
	char *p = stpcpy(code, "function handler() return 'ok' end\n");
	struct host *h;
	size_t heap = 1 << 20;

	for (int i = 0; p < code + sizeof(code) - 100; i++)
		p += sprintf(p, "x = (x or 0) + %d\n", i);
	for (;; heap += 16384) {
		cr_assert_lt(heap, (size_t)4 << 20);
		h = host_new(&engine_lua, code, strlen(code), heap);
		h->in->want = 1000000;
		host_enter(h, INSIDE_LOAD);
		if (h->nr == INSIDE_READY)
			break;
		host_free(h);
	}
	cr_assert_null(h->compiled, "just enough to load it");
	cr_assert_str_eq(call(h), "text:ok");
}

/* Text in place of compiled code, and compiled code in place of text. */
Test(engine_lua_compiled, is_not_taken_for_text)
{
	struct host *h = load("function handler() end", 0);

	h->in->compiled = 1;
	cr_assert_eq(call(h)[0], 'f');
	cr_assert_eq(h->args[0], INSIDE_FAIL_LOAD);
	h = recompiled("function handler() return load(string.char(27) .. "
		       "'Lua', 'x', 'b') == nil end",
		0);
	h->in->compiled = 0;
	cr_assert_not_null(strstr(call(h), "attempt to load a binary chunk"));
	h = recompiled("function handler() return load(string.char(27) .. "
		       "'Lua', 'x', 'b') == nil end",
		0);
	cr_assert_str_eq(call(h), "json:true");
}
