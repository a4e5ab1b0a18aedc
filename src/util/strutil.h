#pragma once
/* Small parsers over hostile text; pure, no malloc, any thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that are somewhere else. */
struct slice {
	const char *ptr;
	size_t len;
};

static inline struct slice slice_of(const char *s)
{
	return (struct slice){s, strlen(s)};
}

static inline bool slice_is(struct slice a, const char *s)
{
	return a.len == strlen(s) &&
	       (a.len == 0 || memcmp(a.ptr, s, a.len) == 0);
}

/* ASCII, whatever the locale. */
static inline char str_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool slice_is_nocase(struct slice a, const char *s)
{
	if (a.len != strlen(s))
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (str_lower(a.ptr[i]) != str_lower(s[i]))
			return false;
	return true;
}

/* May it stand in an HTTP token (RFC 9110)? */
static inline bool str_is_token(char c)
{
	static const bool marks[128] = {['!'] = 1,
		['#'] = 1,
		['$'] = 1,
		['%'] = 1,
		['&'] = 1,
		['\''] = 1,
		['*'] = 1,
		['+'] = 1,
		['-'] = 1,
		['.'] = 1,
		['^'] = 1,
		['_'] = 1,
		['`'] = 1,
		['|'] = 1,
		['~'] = 1};
	unsigned char u = (unsigned char)str_lower(c);

	return (u >= 'a' && u <= 'z') || (u >= '0' && u <= '9') ||
	       (u < 128 && marks[u]);
}

/* Digits and nothing else, the value in [min, max]. */
bool str_parse_u64(
	struct slice s, uint64_t min, uint64_t max, uint64_t *ret_value);

/* Tenants and functions: [a-z0-9][a-z0-9._-]{0,62} */
enum {
	STR_NAME_MAX = 63
};
bool str_is_name(struct slice s);

/* 2 * n digits, lower case, and a NUL. */
void str_hex(const void *p, size_t n, char *ret_text);
/* Value of a hexadecimal digit; -1: it is none. */
int str_hex_digit(char c);

/* The one of n candidates that differs least from s, if it is near enough to be
 * meant; NULL otherwise. */
const char *str_nearest(
	struct slice s, const char *const *candidates, size_t n);
