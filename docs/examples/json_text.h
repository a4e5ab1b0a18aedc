#pragma once
/* The text that a JSON string stands for, escapes resolved, as UTF-8. */
#include "json_args.h"

/* Four hex digits, or -1. */
static inline int32_t json_hex4(const char *p)
{
	int32_t n = 0;

	for (int i = 0; i < 4; i++) {
		char c = (char)(p[i] | 0x20);

		if (p[i] >= '0' && p[i] <= '9')
			n = n * 16 + (p[i] - '0');
		else if (c >= 'a' && c <= 'f')
			n = n * 16 + (c - 'a' + 10);
		else
			return -1;
	}
	return n;
}

static inline char *json_put_utf8(char *to, int32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* \uXXXX, or two of them for one character: from behind the u to behind the
 * last digit, or NULL. */
static inline const char *json_unicode(const char *p, int32_t *ret_c)
{
	int32_t c = json_hex4(p), low;

	if (c < 0 || (c >= 0xdc00 && c <= 0xdfff))
		return NULL;
	p += 4;
	if (c >= 0xd800 && c <= 0xdbff) {
		low = p[0] == '\\' && p[1] == 'u' ? json_hex4(p + 2) : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		c = 0x10000 + (c - 0xd800) * 0x400 + (low - 0xdc00);
		p += 6;
	}
	*ret_c = c;
	return p;
}

/* From behind a backslash to behind the escape, or NULL. */
static inline const char *json_escape(const char *p, int32_t *ret_c)
{
	static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *name = strchr(names, *p);

	if (*p == 'u')
		return json_unicode(p + 1, ret_c);
	if (!name)
		return NULL;
	*ret_c = meant[name - names];
	return p + 1;
}

/* Of the value at p, for gv_free(). NULL: no string, or no memory. */
static inline char *json_text(const char *p, size_t *ret_len)
{
	const char *end = *p == '"' ? json_past_string(p) : NULL;
	/* Nothing is longer than its escape. */
	char *text = end ? (char *)gv_alloc((size_t)(end - p)) : NULL;
	char *to = text;
	int32_t c;

	if (!text)
		return NULL;
	for (p++; p && p < end - 1;) {
		if (*p != '\\') {
			*to++ = *p++;
			continue;
		}
		p = json_escape(p + 1, &c);
		if (p)
			to = json_put_utf8(to, c);
	}
	if (!p) {
		gv_free(text);
		return NULL;
	}
	*ret_len = (size_t)(to - text);
	return text;
}
