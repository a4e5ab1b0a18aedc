/*
 * engine/json_in: vectors of valid and invalid text, round trips, and random
 * bytes. Works on a plain Lua state of the test.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "engine/json_in.h"
#include "pkey/gate.h"
#include "pkey/heap_in.h"

/* Linked with what would call it, but never called here. */
uint64_t gate_hostcall(
	uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	(void)nr, (void)a, (void)b, (void)c, (void)d;
	abort();
}

enum {
	HEAP = 4 << 20
};

static _Alignas(16) char heap_mem[HEAP];
static struct json_buf out;
static struct json_in_error error;

static lua_State *state(void)
{
	lua_State *L = luaL_newstate();

	json_in_init(L);
	out = (struct json_buf){.heap = heap_in_init(heap_mem, HEAP)};
	return L;
}

/* Decoded from a block of exactly its size, so that a tool sees overreads. */
static int decode(lua_State *L, const char *text, size_t len)
{
	char *exact = malloc(len ? len : 1);
	int r;

	memcpy(exact, text, len);
	r = json_in_decode(L, exact, len, &error);
	free(exact);
	return r;
}

static const char *encode(lua_State *L)
{
	static char text[65536];
	int r;

	out.len = 0;
	r = json_in_encode(L, -1, "v", &out);
	cr_assert_eq(r, 0, "%s", r ? lua_tostring(L, -1) : "");
	cr_assert_lt(out.len, sizeof(text));
	memcpy(text, out.p, out.len);
	text[out.len] = '\0';
	return text;
}

static void same(lua_State *L, const char *in, const char *want)
{
	int top = lua_gettop(L);
	int r = decode(L, in, strlen(in));

	cr_assert_eq(r, 0, "%s: byte %zu: %s", in, error.at, error.what);
	cr_assert_eq(lua_gettop(L), top + 1);
	cr_assert_str_eq(encode(L), want);
	cr_assert_eq(lua_gettop(L), top + 1);
	lua_pop(L, 1);
}

Test(engine_json, valid)
{
	static const char *const v[][2] = {
		{"null", "null"},
		{" \t\r\n true ", "true"},
		{"false", "false"},
		{"0", "0"},
		{"-0", "-0.0"},
		{"0.0", "0.0"},
		{"-0.0", "-0.0"},
		{"1", "1"},
		{"-1", "-1"},
		{"1.0", "1.0"},
		{"1e2", "100.0"},
		{"1E+2", "100.0"},
		{"1e-2", "0.01"},
		{"123456789012", "123456789012"},
		{"9007199254740993", "9007199254740993"},
		{"9223372036854775807", "9223372036854775807"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"9223372036854775808", "9.223372036854776e+18"},
		{"-9223372036854775809", "-9.223372036854776e+18"},
		{"0.1", "0.1"},
		{"0.07", "0.07"},
		{"-3.25", "-3.25"},
		{"1234567.000001", "1234567.000001"},
		{"0.0000001", "1e-07"},
		{"1e15", "1000000000000000.0"},
		{"9007199254740991.0", "9007199254740991.0"},
		{"9007199254740992.0", "9007199254740992.0"},
		{"1e16", "1e+16"},
		{"0.30000000000000004", "0.30000000000000004"},
		{"1.7976931348623157e308", "1.7976931348623157e+308"},
		{"5e-324", "4.94065645841247e-324"},
		{"1e-999", "0.0"},
		{"\"\"", "\"\""},
		{"\"a\\u0000b\"", "\"a\\u0000b\""},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
			"\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
		{"\"\\u001f\\u000b\"", "\"\\u001f\\u000b\""},
		{"\"\\u00e9\\u20ac\\ud83d\\ude00\"",
			"\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
		{"\"\\uD7FF\\uE000\\uFFFF\"",
			"\"\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\""},
		{"\"\x7F\xF4\x8F\xBF\xBF\"", "\"\x7F\xF4\x8F\xBF\xBF\""},
		{"[]", "[]"},
		{"[ ]", "[]"},
		{"{}", "{}"},
		{"{ }", "{}"},
		{"[[],{},[{}],[[]]]", "[[],{},[{}],[[]]]"},
		{"[null]", "[null]"},
		{"[null,null,1]", "[null,null,1]"},
		{"{\"a\":null}", "{\"a\":null}"},
		{"{\"a\":1,\"a\":2}", "{\"a\":2}"},
		{"{\"\":{\"\":[]}}", "{\"\":{\"\":[]}}"},
		{"{\"1\":2}", "{\"1\":2}"},
		{"[1,2.5,\"x\",[true],{\"k\":false}]",
			"[1,2.5,\"x\",[true],{\"k\":false}]"},
		{"\"0123456789abcdef0123456789abcdef\\n\"",
			"\"0123456789abcdef0123456789abcdef\\n\""},
	};
	lua_State *L = state();

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		same(L, v[i][0], v[i][1]);
		same(L, v[i][1], v[i][1]);
	}
	lua_close(L);
}

Test(engine_json, invalid)
{
	static const struct {
		const char *text;
		size_t at;
	} v[] = {
		{"", 0},
		{" ", 1},
		{"nul", 0},
		{"nulll", 4},
		{"True", 0},
		{"+1", 0},
		{"-", 1},
		{"01", 0},
		{"-01", 1},
		{"1.", 2},
		{".5", 0},
		{"1.e1", 2},
		{"1e", 2},
		{"1e+", 3},
		{"0x10", 1},
		{"1e999", 0},
		{"-1e999", 0},
		{"NaN", 0},
		{"Infinity", 0},
		{"\"", 1},
		{"\"abc", 4},
		{"\"\\", 2},
		{"\"\\x\"", 1},
		{"\"a\\u12\"", 2},
		{"\"\\u12g4\"", 1},
		{"\"\\ud800\"", 1},
		{"\"\\ud800\\u0041\"", 1},
		{"\"\\udc00\"", 1},
		{"\"\n\"", 1},
		{"\"\\\n\"", 1},
		{"\"ab\xC0\x80\"", 3},
		{"\"\xED\xA0\x80\"", 1},
		{"\"\xF4\x90\x80\x80\"", 1},
		{"\"\xE2\x82\"", 1},
		{"\"\xFF\"", 1},
		{"\"\x80\"", 1},
		{"[", 1},
		{"[1", 2},
		{"[1,", 3},
		{"[1,]", 3},
		{"[,1]", 1},
		{"[1 2]", 3},
		{"]", 0},
		{"{", 1},
		{"{\"a\"", 4},
		{"{\"a\":", 5},
		{"{\"a\":1", 6},
		{"{\"a\":1,}", 7},
		{"{a:1}", 1},
		{"{1:1}", 1},
		{"{\"a\" 1}", 5},
		{"{'a':1}", 1},
		{"1 1", 2},
		{"[] x", 3},
		{"{}}", 2},
		{"// c\n1", 0},
		{"\xEF\xBB\xBF 1", 0},
	};
	lua_State *L = state();

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		int r = decode(L, v[i].text, strlen(v[i].text));

		cr_assert_eq(r, JSON_IN_E_BAD, "%s", v[i].text);
		cr_assert_eq(
			error.at, v[i].at, "%s: byte %zu", v[i].text, error.at);
		cr_assert_eq(lua_gettop(L), 0);
	}
	cr_assert_eq(decode(L, "1\0", 2), JSON_IN_E_BAD);
	cr_assert_eq(decode(L, "\0", 1), JSON_IN_E_BAD);
	lua_close(L);
}

Test(engine_json, long_numbers)
{
	lua_State *L = state();
	char text[JSON_IN_NUMBER + 2];

	memset(text, '0', sizeof(text));
	memcpy(text, "0.", 2);
	text[JSON_IN_NUMBER - 1] = '1';
	cr_assert_eq(decode(L, text, JSON_IN_NUMBER), 0);
	cr_assert_eq(decode(L, text, JSON_IN_NUMBER + 1), JSON_IN_E_BAD);
	memset(text, '9', 300);
	cr_assert_eq(decode(L, text, 300), 0);
	cr_assert_float_eq(lua_tonumber(L, -1), 1e300, 1e285);
	lua_close(L);
}

Test(engine_json, floats_read_back_equal)
{
	lua_State *L = state();
	uint64_t bits = 88172645463325252ull;

	for (int i = 0; i < 20000; i++) {
		double x, y;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&x, &bits, sizeof(x));
		if (!isfinite(x))
			continue;
		lua_pushnumber(L, x);
		cr_assert_eq(decode(L, encode(L), strlen(encode(L))), 0);
		y = lua_tonumber(L, -1);
		cr_assert_eq(memcmp(&x, &y, sizeof(x)), 0);
		cr_assert_not(lua_isinteger(L, -1));
		lua_settop(L, 0);
	}
	lua_close(L);
}

Test(engine_json, decimals_read_back_equal)
{
	lua_State *L = state();

	for (long i = -300000; i < 300000; i += 7) {
		double x = (double)i / 1000;

		lua_pushnumber(L, x);
		cr_assert_eq(decode(L, encode(L), strlen(encode(L))), 0);
		cr_assert_eq(lua_tonumber(L, -1), x);
		cr_assert_leq(strlen(encode(L)), 9);
		lua_settop(L, 0);
	}
	lua_close(L);
}

Test(engine_json, marked_arrays)
{
	lua_State *L = state();

	lua_newtable(L);
	json_in_mark_array(L);
	cr_assert_str_eq(encode(L), "[]");
	lua_pushliteral(L, "x");
	lua_setfield(L, -2, "k");
	cr_assert_eq(json_in_encode(L, -1, "v", &out), JSON_IN_E_BAD);
	cr_assert_str_eq(lua_tostring(L, -1),
		"v: json.array with keys that are no index");
	lua_close(L);
}

Test(engine_json, long_paths_are_cut)
{
	lua_State *L = state();
	char key[500];

	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	lua_newtable(L);
	lua_newtable(L);
	lua_pushcfunction(L, lua_error);
	lua_setfield(L, -2, key);
	lua_setfield(L, -2, key);
	cr_assert_eq(json_in_encode(L, -1, "v", &out), JSON_IN_E_BAD);
	cr_assert_leq(strlen(lua_tostring(L, -1)), 300);
	cr_assert(strstr(lua_tostring(L, -1), ": a function has no JSON"));
	lua_close(L);
}

Test(engine_json, buffer_spent)
{
	lua_State *L = state();

	out.heap = heap_in_init(heap_mem, 8192);
	lua_pushlstring(L, heap_mem + HEAP / 2, 8000);
	cr_assert_eq(json_in_encode(L, -1, "v", &out), JSON_IN_E_NOMEM);
	cr_assert_eq(lua_gettop(L), 1);
	json_buf_reset(&out, 0);
	lua_pushinteger(L, 5);
	cr_assert_str_eq(encode(L), "5");
	lua_close(L);
}

/* Damaged text is refused or understood, never read past; what is understood
 * survives another round. */
Test(engine_json, damaged_text)
{
	static const char seed[] =
		"{\"a\":[1,-2.5e3,\"x\\u00e9\\n\xC3\xA9\",null,true],"
		"\"b\":{\"c\":[],\"d\":{}},\"e\":123456789012345678}";
	lua_State *L = state();
	uint64_t s = 12345;
	unsigned understood = 0;

	for (int i = 0; i < 100000; i++) {
		char text[sizeof(seed)];
		size_t len = sizeof(seed) - 1;

		memcpy(text, seed, sizeof(seed));
		for (unsigned k = 0; k <= i % 3u; k++) {
			s = s * 6364136223846793005ull + 1442695040888963407ull;
			text[(s >> 33) % len] =
				"{}[]\",:\\u0e.-n\xC3\x80 "[(s >> 50) % 18];
		}
		len -= (s >> 20) % 4;
		if (decode(L, text, len) == 0) {
			understood++;
			cr_assert_eq(
				decode(L, encode(L), strlen(encode(L))), 0);
		}
		lua_settop(L, 0);
	}
	cr_assert_gt(understood, 100);
	lua_close(L);
}
