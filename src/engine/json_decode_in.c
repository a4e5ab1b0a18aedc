/*
 * JSON text to Lua values. Runs in U; the text is hostile, the Lua state is the
 * isolate's. A recursive descent with a depth limit; what is wrong is noted in
 * the decoder and the recursion unwinds by false, so that no error is raised
 * but for memory.
 */
#include "engine/json_in.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "engine/utf8_in.h"

struct decoder {
	lua_State *L;
	const char *text;
	const char *p;
	const char *end;
	int depth;
	struct json_in_error error;
};

static bool decode_value(struct decoder *d);

static bool bad(struct decoder *d, const char *at, const char *what)
{
	d->error.at = (size_t)(at - d->text);
	d->error.what = what;
	return false;
}

/* The next character that is no white space; 0 at the end of the text. */
static inline char peek(struct decoder *d)
{
	while (d->p < d->end) {
		char c = *d->p;

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return c ? c : '\1';
		d->p++;
	}
	return 0;
}

/* Numbers ------------------------------------------------------------------*/

static inline const char *digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* [p, end) are digits. */
static bool integer_of(
	const char *p, const char *end, bool negative, lua_Integer *ret_n)
{
	uint64_t limit = (uint64_t)INT64_MAX + negative;
	uint64_t n = 0;

	for (; p < end; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (n > (limit - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*ret_n = (lua_Integer)(negative ? 0 - n : n);
	return true;
}

static bool push_float(struct decoder *d, const char *start, const char *end)
{
	char buf[JSON_IN_NUMBER + 1];
	size_t len = (size_t)(end - start);
	double x;

	if (len > JSON_IN_NUMBER)
		return bad(d, start, "number too long");
	memcpy(buf, start, len);
	buf[len] = '\0';
	x = strtod(buf, NULL);
	if (x - x != 0)
		return bad(d, start, "number too large");
	lua_pushnumber(d->L, x);
	return true;
}

static bool decode_number(struct decoder *d)
{
	const char *start = d->p;
	bool negative = *start == '-';
	const char *first = start + negative;
	const char *p = digits(first, d->end);
	bool whole = true;
	lua_Integer n;

	if (p == first)
		return bad(d, p, "digit expected");
	if (*first == '0' && p > first + 1)
		return bad(d, first, "number with a leading zero");
	d->p = p;
	if (p < d->end && *p == '.') {
		d->p = digits(p + 1, d->end);
		if (d->p == p + 1)
			return bad(d, d->p, "digit expected");
		whole = false;
	}
	if (d->p < d->end && (*d->p == 'e' || *d->p == 'E')) {
		const char *exp = d->p + 1;

		if (exp < d->end && (*exp == '+' || *exp == '-'))
			exp++;
		d->p = digits(exp, d->end);
		if (d->p == exp)
			return bad(d, d->p, "digit expected");
		whole = false;
	}
	/* "-0" has no integer of its own. */
	if (negative && *first == '0')
		whole = false;
	if (!whole || !integer_of(first, p, negative, &n))
		return push_float(d, start, d->p);
	lua_pushinteger(d->L, n);
	return true;
}

/* Strings ------------------------------------------------------------------*/

static inline bool plain_word(const char *p)
{
	const uint64_t ones = 0x0101010101010101ull, high = ones << 7;
	uint64_t w, quote, slash;

	memcpy(&w, p, sizeof(w));
	quote = w ^ ones * '"';
	slash = w ^ ones * '\\';
	/* Any byte >= 0x80, < 0x20, quote or backslash? Exact while no byte
	 * has its high bit set, and then the first term says so. */
	return !((w | (w - ones * 0x20) | (quote - ones) | (slash - ones)) &
		 high);
}

/*
 * From behind the opening quote to the closing one: checks everything but the
 * escapes' insides, and says whether there are any.
 */
static const char *scan_string(struct decoder *d, bool *ret_escaped)
{
	const char *p = d->p;
	bool escaped = false;

	for (;;) {
		unsigned char c;
		size_t n;

		while (d->end - p >= 8 && plain_word(p))
			p += 8;
		if (p == d->end)
			break;
		c = (unsigned char)*p;
		if (c == '"') {
			*ret_escaped = escaped;
			return p;
		}
		if (c < 0x20) {
			bad(d, p, "control character in a string");
			return NULL;
		}
		if (c == '\\') {
			escaped = true;
			if (++p == d->end)
				break;
		}
		n = utf8_in_sequence(
			(const unsigned char *)p, (size_t)(d->end - p));
		if (n == 0) {
			bad(d, p, "invalid UTF-8");
			return NULL;
		}
		p += n;
	}
	bad(d, d->end, "string without an end");
	return NULL;
}

/* The four digits at p, or -1. */
static int hex4(const char *p, const char *end)
{
	int value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			c = (char)((c | 32) - 'a' + 10);
		else
			return -1;
		value = value << 4 | c;
	}
	return value;
}

/* *p stands behind "\u"; the code point, or -1. */
static int unescape_u(const char **p, const char *end)
{
	int hi = hex4(*p, end);
	int lo;

	*p += 4;
	if (hi < 0 || (hi & 0xFC00) == 0xDC00)
		return -1;
	if ((hi & 0xFC00) != 0xD800)
		return hi;
	if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return -1;
	lo = hex4(*p + 2, end);
	if (lo < 0 || (lo & 0xFC00) != 0xDC00)
		return -1;
	*p += 6;
	return 0x10000 + ((hi & 0x3FF) << 10) + (lo & 0x3FF);
}

static char unescape_char(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return 0;
	}
}

/* [p, end) passed scan_string. The result is never longer than the source. */
static bool push_unescaped(struct decoder *d, const char *p, const char *end)
{
	luaL_Buffer b;
	char *start = luaL_buffinitsize(d->L, &b, (size_t)(end - p));
	char *out = start;

	while (p < end) {
		const char *at = p;
		int cp;

		if (*p != '\\') {
			*out++ = *p++;
			continue;
		}
		p += 2;
		if (p[-1] != 'u') {
			*out = unescape_char(p[-1]);
			if (*out++ == 0)
				return bad(d, at, "unknown escape");
			continue;
		}
		cp = unescape_u(&p, end);
		if (cp < 0)
			return bad(d, at, "invalid \\u escape");
		out += utf8_in_put(out, (unsigned)cp);
	}
	luaL_pushresultsize(&b, (size_t)(out - start));
	return true;
}

static bool decode_string(struct decoder *d)
{
	const char *start = ++d->p;
	bool escaped;
	const char *close = scan_string(d, &escaped);

	if (!close)
		return false;
	d->p = close + 1;
	if (escaped)
		return push_unescaped(d, start, close);
	lua_pushlstring(d->L, start, (size_t)(close - start));
	return true;
}

/* Arrays, objects, words ---------------------------------------------------*/

static bool decode_array(struct decoder *d)
{
	lua_Integer n = 0;
	bool empty;

	d->p++;
	empty = peek(d) == ']';
	lua_createtable(d->L, empty ? 0 : 4, 0);
	json_in_mark_array(d->L);
	if (empty) {
		d->p++;
		return true;
	}
	for (;;) {
		char c;

		if (!decode_value(d))
			return false;
		lua_rawseti(d->L, -2, ++n);
		c = peek(d);
		if (c != ',' && c != ']')
			return bad(d, d->p, "',' or ']' expected");
		d->p++;
		if (c == ']')
			return true;
	}
}

static bool decode_member(struct decoder *d)
{
	if (peek(d) != '"')
		return bad(d, d->p, "string expected as a key");
	if (!decode_string(d))
		return false;
	if (peek(d) != ':')
		return bad(d, d->p, "':' expected");
	d->p++;
	if (!decode_value(d))
		return false;
	lua_rawset(d->L, -3);
	return true;
}

static bool decode_object(struct decoder *d)
{
	bool empty;

	d->p++;
	empty = peek(d) == '}';
	lua_createtable(d->L, 0, empty ? 0 : 4);
	if (empty) {
		d->p++;
		return true;
	}
	for (;;) {
		char c;

		if (!decode_member(d))
			return false;
		c = peek(d);
		if (c != ',' && c != '}')
			return bad(d, d->p, "',' or '}' expected");
		d->p++;
		if (c == '}')
			return true;
	}
}

static bool decode_nested(struct decoder *d, char c)
{
	bool ok;

	if (++d->depth > JSON_IN_DEPTH)
		return bad(d, d->p, "nested too deeply");
	luaL_checkstack(d->L, 6, "JSON");
	ok = c == '[' ? decode_array(d) : decode_object(d);
	d->depth--;
	return ok;
}

static bool word(struct decoder *d, const char *w, size_t len)
{
	if ((size_t)(d->end - d->p) < len || memcmp(d->p, w, len) != 0)
		return bad(d, d->p, "value expected");
	d->p += len;
	return true;
}

static bool decode_word(struct decoder *d, char c)
{
	bool value = c == 't';

	if (c == 'n') {
		json_in_push_null(d->L);
		return word(d, "null", 4);
	}
	lua_pushboolean(d->L, value);
	return value ? word(d, "true", 4) : word(d, "false", 5);
}

static bool decode_value(struct decoder *d)
{
	char c = peek(d);

	switch (c) {
	case 0:
		return bad(d, d->p, "value expected");
	case '"':
		return decode_string(d);
	case '{':
	case '[':
		return decode_nested(d, c);
	case 't':
	case 'f':
	case 'n':
		return decode_word(d, c);
	default:
		if (c == '-' || (c >= '0' && c <= '9'))
			return decode_number(d);
		return bad(d, d->p, "value expected");
	}
}

int json_in_decode(lua_State *L, const char *text, size_t len,
	struct json_in_error *ret_error)
{
	struct decoder d = {.L = L, .text = text, .p = text, .end = text + len};
	int top = lua_gettop(L);

	luaL_checkstack(L, 6, "JSON");
	if (!decode_value(&d)) {
		lua_settop(L, top);
		*ret_error = d.error;
		return JSON_IN_E_BAD;
	}
	if (peek(&d)) {
		bad(&d, d.p, "end of text expected");
		lua_settop(L, top);
		*ret_error = d.error;
		return JSON_IN_E_BAD;
	}
	return 0;
}
