/*
 * A walk over the text, one byte or one vector at a time. What is open is a
 * stack of bits, one for each level: 1 an object, 0 an array. Each step takes
 * a piece and returns where it ends, NULL with `at` set where it makes no
 * sense.
 */
#include "engine/json_check_in.h"

#include <emmintrin.h>
#include <stdint.h>
#include <string.h>

#include "engine/utf8_in.h"

struct check {
	const unsigned char *end;
	const unsigned char *bad;
	unsigned depth;
	bool deep; /* too deep */
	uint64_t objects[JSON_CHECK_IN_DEPTH / 64];
};

static const unsigned char *wrong(struct check *c, const unsigned char *p)
{
	c->bad = p;
	return NULL;
}

static inline const unsigned char *blanks(
	const struct check *c, const unsigned char *p)
{
	while (p < c->end &&
		(*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

static inline const unsigned char *digits(
	const struct check *c, const unsigned char *p)
{
	while (p < c->end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static const unsigned char *number(struct check *c, const unsigned char *p)
{
	const unsigned char *start = p += *p == '-';

	p = digits(c, start);
	if (p == start || (*start == '0' && p > start + 1))
		return wrong(c, start);
	if (p < c->end && *p == '.') {
		start = p + 1;
		p = digits(c, start);
		if (p == start)
			return wrong(c, start);
	}
	if (p < c->end && (*p | 32) == 'e') {
		start = p + 1;
		if (start < c->end && (*start == '+' || *start == '-'))
			start++;
		p = digits(c, start);
		if (p == start)
			return wrong(c, start);
	}
	return p;
}

/* Behind the backslash. */
static const unsigned char *escape(struct check *c, const unsigned char *p)
{
	if (p == c->end || *p == '\0' || !strchr("\"\\/bfnrtu", *p))
		return wrong(c, p);
	if (*p++ != 'u')
		return p;
	for (int i = 0; i < 4; i++, p++)
		if (p == c->end ||
			!((*p >= '0' && *p <= '9') ||
				((*p | 32) >= 'a' && (*p | 32) <= 'f')))
			return wrong(c, p);
	return p;
}

/* To the first byte that is not plain ASCII, or less than a vector before the
 * end. */
static inline const unsigned char *plain(
	const struct check *c, const unsigned char *p)
{
	while (c->end - p >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* Signed: bytes from 0x80 on are below 0x20, too. */
		__m128i hit = _mm_or_si128(
			_mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
			_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
				_mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);

		if (mask)
			return p + __builtin_ctz(mask);
		p += 16;
	}
	return p;
}

/* At the opening quote. */
static const unsigned char *string(struct check *c, const unsigned char *p)
{
	p++;
	while (p && (p = plain(c, p)) < c->end) {
		size_t n;

		if (*p == '"')
			return p + 1;
		if (*p == '\\') {
			p = escape(c, p + 1);
			continue;
		}
		n = utf8_in_sequence(p, (size_t)(c->end - p));
		if (*p < 0x20 || n == 0)
			return wrong(c, p);
		p += n;
	}
	return p ? wrong(c, p) : NULL;
}

static const unsigned char *word(struct check *c, const unsigned char *p)
{
	static const char *const words[] = {"true", "false", "null"};

	for (int i = 0; i < 3; i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(c->end - p) >= len &&
			memcmp(p, words[i], len) == 0)
			return p + len;
	}
	return wrong(c, p);
}

static inline bool in_object(const struct check *c)
{
	return c->objects[(c->depth - 1) / 64] >> (c->depth - 1) % 64 & 1;
}

static bool open_level(struct check *c, bool object)
{
	uint64_t bit = 1ull << c->depth % 64;

	c->deep = c->depth == JSON_CHECK_IN_DEPTH;
	if (c->deep)
		return false;
	if (object)
		c->objects[c->depth / 64] |= bit;
	else
		c->objects[c->depth / 64] &= ~bit;
	c->depth++;
	return true;
}

/* A name and its colon; to where the value begins. */
static const unsigned char *name(struct check *c, const unsigned char *p)
{
	p = blanks(c, p);
	if (p == c->end || *p != '"')
		return wrong(c, p);
	p = string(c, p);
	if (!p)
		return NULL;
	p = blanks(c, p);
	if (p == c->end || *p != ':')
		return wrong(c, p);
	return p + 1;
}

/* What opens a level, and what follows: to its first value, or behind its end.
 */
static const unsigned char *opening(
	struct check *c, const unsigned char *p, bool *ret_empty)
{
	bool object = *p == '{';

	if (!open_level(c, object))
		return wrong(c, p);
	p = blanks(c, p + 1);
	*ret_empty = p < c->end && *p == (object ? '}' : ']');
	if (*ret_empty) {
		c->depth--;
		return p + 1;
	}
	return object ? name(c, p) : p;
}

/* Behind a value: to where the next one begins, or to the end of the text. */
static const unsigned char *following(struct check *c, const unsigned char *p)
{
	while (c->depth > 0) {
		bool object = in_object(c);

		p = blanks(c, p);
		if (p == c->end)
			return wrong(c, p);
		if (*p == ',')
			return object ? name(c, p + 1) : p + 1;
		if (*p != (object ? '}' : ']'))
			return wrong(c, p);
		c->depth--;
		p++;
	}
	p = blanks(c, p);
	return p == c->end ? p : wrong(c, p);
}

static const unsigned char *scalar(struct check *c, const unsigned char *p)
{
	if (*p == '"')
		return string(c, p);
	if (*p == '-' || (*p >= '0' && *p <= '9'))
		return number(c, p);
	return word(c, p);
}

static bool all(struct check *c, const unsigned char *p)
{
	for (;;) {
		bool closed = true;

		p = blanks(c, p);
		if (p == c->end)
			return wrong(c, p);
		if (*p == '{' || *p == '[')
			p = opening(c, p, &closed);
		else
			p = scalar(c, p);
		if (p && closed)
			p = following(c, p);
		if (!p)
			return false;
		if (closed && c->depth == 0)
			return true;
	}
}

bool json_check_in(
	const void *text, size_t len, struct json_check_in_fault *ret_fault)
{
	struct check c;

	c.end = (const unsigned char *)text + len;
	c.bad = NULL;
	c.depth = 0;
	c.deep = false;
	if (all(&c, text))
		return true;
	ret_fault->at = (size_t)(c.bad - (const unsigned char *)text);
	ret_fault->deep = c.deep;
	return false;
}

/* To the first byte that is not ASCII, or less than a vector before the end. */
static inline size_t ascii(const unsigned char *p, size_t len, size_t from)
{
	for (; len - from >= 16; from += 16) {
		__m128i v = _mm_loadu_si128(
			(const __m128i *)(const void *)(p + from));
		unsigned mask = (unsigned)_mm_movemask_epi8(v);

		if (mask)
			return from + (size_t)__builtin_ctz(mask);
	}
	return from;
}

bool utf8_check_in(const void *text, size_t len, size_t *ret_at)
{
	const unsigned char *p = text;

	for (size_t at = ascii(p, len, 0); at < len; at = ascii(p, len, at)) {
		size_t n = utf8_in_sequence(p + at, len - at);

		if (n == 0) {
			*ret_at = at;
			return false;
		}
		at += n;
	}
	return true;
}
