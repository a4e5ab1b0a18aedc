/* The query string, strictly: see query.h. */
#include "net/query.h"

#include <string.h>

#include "util/escape.h"

enum {
	QUERY_PARAMS_MAX = 16
};

/* Returns the NUL-terminated text and moves *mem behind it; NULL: broken. */
static char *decode(struct slice s, char **mem)
{
	char *text = *mem, *out = *mem;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int hi, lo;

			if (s.len - i < 3)
				return NULL;
			hi = str_hex_digit(s.ptr[i + 1]);
			lo = str_hex_digit(s.ptr[i + 2]);
			if (hi < 0 || lo < 0)
				return NULL;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (c == '\0')
			return NULL;
		*out++ = c;
	}
	*out++ = '\0';
	*mem = out;
	return text;
}

static int say(struct buf *err, const char *what, struct slice s)
{
	buf_add_str(err, what);
	buf_add_char(err, '"');
	escape_json(err, s.ptr, escape_prefix(s.ptr, s.len, 64));
	buf_add_char(err, '"');
	return QUERY_E_INVALID;
}

static int unknown(struct slice name, const struct query_param *params,
	size_t n, struct buf *err)
{
	const char *names[QUERY_PARAMS_MAX];
	const char *near;

	for (size_t i = 0; i < n; i++)
		names[i] = params[i].name;
	(void)say(err, "unknown query parameter ", name);
	near = str_nearest(name, names, n);
	if (near)
		(void)say(err, "; did you mean ", slice_of(near));
	return QUERY_E_INVALID;
}

static int take(struct slice pair, struct query_param *params, size_t n,
	char **mem, struct buf *err)
{
	const char *eq = memchr(pair.ptr, '=', pair.len);
	struct slice name = {pair.ptr, eq ? (size_t)(eq - pair.ptr) : pair.len};
	struct slice value = {
		eq ? eq + 1 : "", eq ? pair.len - name.len - 1 : 0};

	for (size_t i = 0; i < n; i++) {
		if (!slice_is(name, params[i].name))
			continue;
		if (params[i].value)
			return say(err, "repeated query parameter ", name);
		params[i].value = decode(value, mem);
		return params[i].value ? 0
				       : say(err,
						 "broken escape in query "
						 "parameter ",
						 name);
	}
	return unknown(name, params, n, err);
}

int query_parse(struct slice query, struct query_param *params, size_t n,
	char *mem, struct buf *err)
{
	const char *p = query.ptr, *end = query.ptr + query.len;

	CHECK(n <= QUERY_PARAMS_MAX);
	while (query.len && p <= end) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		struct slice pair = {p, (size_t)((amp ? amp : end) - p)};
		int r = pair.len ? take(pair, params, n, &mem, err) : 0;

		if (r)
			return r;
		p += pair.len + 1;
	}
	return 0;
}

int query_u64(const struct query_param *p, uint64_t min, uint64_t max,
	struct buf *err, uint64_t *ret_value)
{
	if (!p->value)
		return 0;
	if (str_parse_u64(slice_of(p->value), min, max, ret_value))
		return 0;
	if (p->or_minus_one && slice_is(slice_of(p->value), "-1")) {
		*ret_value = UINT64_MAX;
		return 0;
	}
	(void)say(err, "query parameter ", slice_of(p->name));
	buf_add_lit(err, " must be a number from ");
	buf_add_u64(err, min);
	buf_add_lit(err, " to ");
	buf_add_u64(err, max);
	if (p->or_minus_one)
		buf_add_lit(err, ", or -1");
	return QUERY_E_INVALID;
}
