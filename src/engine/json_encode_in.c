/*
 * Lua values to JSON text. Runs in U. Uses raw access alone and makes no Lua
 * object while it writes, so no script code (metamethod, finalizer) runs in
 * between and the buffer cannot change under it.
 */
#include "engine/json_in.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "engine/utf8_in.h"
#include "pkey/heap_in.h"

enum {
	BUF_FIRST = 256,
	NUMBER_TEXT = 40,
	PATH_TEXT = 200
};

/* One step of the way from the value itself to the present one. */
struct step {
	const struct step *up;
	const char *key; /* NULL: index */
	lua_Integer index;
};

struct encoder {
	lua_State *L;
	struct json_buf *out;
	const char *name;
	int depth;
	int array_mark; /* stack index of the metatable */
};

static int encode_value(struct encoder *e, int idx, const struct step *at);

/* Errors and output --------------------------------------------------------*/

static int buf_grow(struct json_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap * 2 : BUF_FIRST;
	char *p;

	if (cap < b->len + n)
		cap = b->len + n;
	p = heap_in_realloc(b->heap, b->p, cap);
	/* Near the budget's end, no more than needed. */
	if (!p)
		p = heap_in_realloc(b->heap, b->p, cap = b->len + n);
	if (!p)
		return JSON_IN_E_NOMEM;
	b->p = p;
	b->cap = cap;
	return 0;
}

static inline int put(struct json_buf *b, const char *s, size_t n)
{
	if (b->cap - b->len < n) {
		int r = buf_grow(b, n);

		if (r)
			return r;
	}
	memcpy(b->p + b->len, s, n);
	b->len += n;
	return 0;
}

static inline int put_char(struct json_buf *b, char c)
{
	return put(b, &c, 1);
}

/* Appends the way to `at` to text, as far as there is room. */
static size_t render_path(const struct step *at, char *text, size_t len)
{
	size_t room;
	int n;

	if (!at)
		return len;
	len = render_path(at->up, text, len);
	room = PATH_TEXT - len;
	if (at->key)
		n = snprintf(text + len, room, ".%s", at->key);
	else
		n = snprintf(text + len, room, "[%lld]", (long long)at->index);
	return n < (int)room ? len + (size_t)n : PATH_TEXT - 1;
}

static int fail(struct encoder *e, const struct step *at, const char *what)
{
	char path[PATH_TEXT] = "";

	(void)render_path(at, path, 0);
	lua_pushfstring(e->L, "%s%s: %s", e->name, path, what);
	return JSON_IN_E_BAD;
}

/* Scalars ------------------------------------------------------------------*/

static int encode_integer(struct encoder *e, lua_Integer n)
{
	char text[NUMBER_TEXT];
	char *p = text + sizeof(text);
	lua_Unsigned rest = n < 0 ? 0 - (lua_Unsigned)n : (lua_Unsigned)n;

	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (n < 0)
		*--p = '-';
	return put(e->out, p, (size_t)(text + sizeof(text) - p));
}

/*
 * Most floats people write are a small number of decimals: n / 10^k with both
 * exact, so that the division tells whether that text reads back as x. Returns
 * the length, or 0 for printf() to find the digits.
 */
static int short_float(lua_Number x, char text[NUMBER_TEXT])
{
	static const double scales[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
	const double limit = 9007199254740992.0; /* 2^53 */
	double y = x < 0 ? -x : x;
	char *end = text + NUMBER_TEXT, *p = end;
	size_t k = 0;
	uint64_t n;

	for (;; k++) {
		if (k == 7 || y * scales[k] >= limit || y == 0)
			return 0;
		n = (uint64_t)(y * scales[k] + 0.5);
		if ((double)n / scales[k] == y)
			break;
	}
	if (k == 0)
		*--p = '0';
	for (size_t i = 0; i < k; i++, n /= 10)
		*--p = (char)('0' + n % 10);
	*--p = '.';
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	if (x < 0)
		*--p = '-';
	memmove(text, p, (size_t)(end - p));
	return (int)(end - p);
}

/* The fewest digits that read back as the same number. */
static int long_float(lua_Number x, char text[NUMBER_TEXT])
{
	int len = 0;

	for (int digits = 15; digits <= 17; digits++) {
		len = snprintf(text, NUMBER_TEXT, "%.*g", digits, x);
		if (digits < 17 && strtod(text, NULL) == x)
			break;
	}
	/* So that it stays a float. */
	if (!strpbrk(text, ".e")) {
		memcpy(text + len, ".0", 2);
		len += 2;
	}
	return len;
}

static int encode_float(struct encoder *e, lua_Number x, const struct step *at)
{
	char text[NUMBER_TEXT];
	int len;

	if (x != x)
		return fail(e, at, "not a number (nan) has no JSON");
	if (x - x != 0)
		return fail(e, at, "infinity has no JSON");
	len = short_float(x, text);
	if (len == 0)
		len = long_float(x, text);
	return put(e->out, text, (size_t)len);
}

static int put_escape(struct json_buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = "btn\0fr"; /* 8, 9, 10, -, 12, 13 */
	char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	if (c == '"' || c == '\\')
		u[1] = (char)c;
	else if (c >= 8 && c <= 13 && c != 11)
		u[1] = letters[c - 8];
	else
		return put(b, u, 6);
	return put(b, u, 2);
}

static int encode_string(struct encoder *e, int idx, const struct step *at)
{
	size_t len, i = 0, done = 0;
	const char *s = lua_tolstring(e->L, idx, &len);
	struct json_buf *b = e->out;
	int r = put_char(b, '"');

	while (!r && i < len) {
		unsigned char c = (unsigned char)s[i];
		size_t n = 1;

		if (c >= 0x80) {
			n = utf8_in_sequence(
				(const unsigned char *)s + i, len - i);
			if (n == 0)
				return fail(e, at, "string is not valid UTF-8");
		} else if (c < 0x20 || c == '"' || c == '\\') {
			r = put(b, s + done, i - done);
			if (!r)
				r = put_escape(b, c);
			done = i + 1;
		}
		i += n;
	}
	if (!r)
		r = put(b, s + done, len - done);
	return r ? r : put_char(b, '"');
}

/* Tables -------------------------------------------------------------------*/

static bool is_marked(struct encoder *e, int idx)
{
	bool same;

	if (!lua_getmetatable(e->L, idx))
		return false;
	same = lua_rawequal(e->L, -1, e->array_mark);
	lua_pop(e->L, 1);
	return same;
}

struct census {
	lua_Integer strings;
	lua_Integer integers; /* 1..n alone */
	lua_Integer others;
};

static void take_census(
	lua_State *L, int idx, lua_Integer n, struct census *ret_census)
{
	struct census c = {0};

	lua_pushnil(L);
	while (lua_next(L, idx)) {
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TSTRING) {
			c.strings++;
		} else if (lua_isinteger(L, -1)) {
			lua_Integer k = lua_tointeger(L, -1);

			if (k >= 1 && k <= n)
				c.integers++;
			else
				c.others++;
		} else {
			c.others++;
		}
	}
	*ret_census = c;
}

static int encode_array(
	struct encoder *e, int idx, lua_Integer n, const struct step *at)
{
	struct step here = {.up = at};
	int r = put_char(e->out, '[');

	for (lua_Integer i = 1; !r && i <= n; i++) {
		here.index = i;
		lua_rawgeti(e->L, idx, i);
		if (i > 1)
			r = put_char(e->out, ',');
		if (!r)
			r = encode_value(e, lua_gettop(e->L), &here);
		if (!r)
			lua_pop(e->L, 1);
	}
	return r ? r : put_char(e->out, ']');
}

static int encode_object(struct encoder *e, int idx, const struct step *at)
{
	struct step here = {.up = at};
	bool first = true;
	int r = put_char(e->out, '{');

	lua_pushnil(e->L);
	while (!r && lua_next(e->L, idx)) {
		int value = lua_gettop(e->L);

		if (!first)
			r = put_char(e->out, ',');
		first = false;
		here.key = lua_tostring(e->L, value - 1);
		if (!r)
			r = encode_string(e, value - 1, &here);
		if (!r)
			r = put_char(e->out, ':');
		if (!r)
			r = encode_value(e, value, &here);
		if (!r)
			lua_pop(e->L, 1);
	}
	return r ? r : put_char(e->out, '}');
}

static int encode_table(struct encoder *e, int idx, const struct step *at)
{
	lua_Integer n = (lua_Integer)lua_rawlen(e->L, idx);
	bool marked = is_marked(e, idx);
	struct census c;

	take_census(e->L, idx, n, &c);
	if (marked && !c.strings && !c.others)
		return encode_array(e, idx, n, at);
	if (marked)
		return fail(e, at, "json.array with keys that are no index");
	if (!c.integers && !c.others)
		return encode_object(e, idx, at);
	if (c.strings)
		return fail(e, at, "table with mixed keys");
	if (c.others)
		return fail(
			e, at, "table whose keys are neither strings nor 1..n");
	if (c.integers != n)
		return fail(e, at, "array with holes (use json.null)");
	return encode_array(e, idx, n, at);
}

static int encode_nested(struct encoder *e, int idx, const struct step *at)
{
	int r;

	if (++e->depth > JSON_IN_DEPTH)
		return fail(e, at, "nested too deeply, or a cycle");
	if (!lua_checkstack(e->L, 8))
		return fail(e, at, "too many values on the stack");
	r = encode_table(e, idx, at);
	e->depth--;
	return r;
}

static int encode_other(struct encoder *e, int idx, const struct step *at)
{
	char what[48];

	if (lua_islightuserdata(e->L, idx) && !lua_touserdata(e->L, idx))
		return put(e->out, "null", 4);
	(void)snprintf(what, sizeof(what), "a %s has no JSON",
		luaL_typename(e->L, idx));
	return fail(e, at, what);
}

static int encode_value(struct encoder *e, int idx, const struct step *at)
{
	switch (lua_type(e->L, idx)) {
	case LUA_TNIL:
		return put(e->out, "null", 4);
	case LUA_TBOOLEAN:
		return lua_toboolean(e->L, idx) ? put(e->out, "true", 4)
						: put(e->out, "false", 5);
	case LUA_TNUMBER:
		if (lua_isinteger(e->L, idx))
			return encode_integer(e, lua_tointeger(e->L, idx));
		return encode_float(e, lua_tonumber(e->L, idx), at);
	case LUA_TSTRING:
		return encode_string(e, idx, at);
	case LUA_TTABLE:
		return encode_nested(e, idx, at);
	default:
		return encode_other(e, idx, at);
	}
}

/* The contract -------------------------------------------------------------*/

int json_in_encode(
	lua_State *L, int idx, const char *name, struct json_buf *out)
{
	struct encoder e = {.L = L, .out = out, .name = name};
	int top = lua_gettop(L);
	int r;

	idx = lua_absindex(L, idx);
	luaL_checkstack(L, 4, "JSON");
	json_in_push_array_mark(L);
	e.array_mark = top + 1;
	r = encode_value(&e, idx, NULL);
	if (r == JSON_IN_E_BAD) {
		lua_replace(L, top + 1);
		lua_settop(L, top + 1);
	} else {
		lua_settop(L, top);
	}
	return r;
}
