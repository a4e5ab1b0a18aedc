#pragma once
/*
 * A bounded append buffer over memory of the caller: HTTP headers, log lines,
 * metrics text. Trusted memory; what is appended may be hostile bytes.
 *
 * Appending past the end keeps what was there, appends nothing and sets
 * `over`, which stays set: build everything, look at buf_ok() once. A buffer
 * whose `grow` is set (gbuf.h) asks it for more room first; that is for the
 * control thread alone, workers use fixed memory.
 *
 * No system call and no malloc, with two exceptions named at buf_addf() and
 * grow.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

struct buf;
/* Makes room for at least `need` more bytes; false: impossible. */
typedef bool buf_grow_fn(struct buf *b, size_t need);

struct buf {
	char *ptr;
	size_t cap;
	size_t len;
	bool over;
	buf_grow_fn *grow;
};

static inline void buf_init(struct buf *b, void *ptr, size_t cap)
{
	*b = (struct buf){.ptr = ptr, .cap = cap};
}

static inline bool buf_ok(const struct buf *b)
{
	return !b->over;
}

/* Room for n bytes at the end, or NULL; the caller then adds to len. */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	if (__builtin_expect(n > b->cap - b->len, 0)) {
		if (b->over || !b->grow || !b->grow(b, n)) {
			b->over = true;
			return NULL;
		}
	}
	return b->ptr + b->len;
}

static inline void buf_add(struct buf *b, const void *p, size_t n)
{
	char *at;

	if (b->over || n == 0)
		return;
	at = buf_reserve(b, n);
	if (!at)
		return;
	memcpy(at, p, n);
	b->len += n;
}

static inline void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

#define buf_add_lit(b, lit) buf_add(b, "" lit, sizeof(lit) - 1)

static inline void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

static inline void buf_add_u64(struct buf *b, uint64_t v)
{
	char tmp[20], *p = tmp + sizeof(tmp);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, p, (size_t)(tmp + sizeof(tmp) - p));
}

static inline void buf_add_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_add_char(b, '-');
	buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/* Exactly `digits` decimal digits (at most 20), zeros in front. */
static inline void buf_add_pad(struct buf *b, uint64_t v, unsigned digits)
{
	char tmp[20];

	CHECK(digits <= sizeof(tmp));
	for (unsigned i = digits; i-- > 0; v /= 10)
		tmp[i] = (char)('0' + v % 10);
	buf_add(b, tmp, digits);
}

/* Lower case, without leading zeros. */
static inline void buf_add_hex(struct buf *b, uint64_t v)
{
	char tmp[16], *p = tmp + sizeof(tmp);

	do {
		*--p = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	buf_add(b, p, (size_t)(tmp + sizeof(tmp) - p));
}

__attribute__((format(printf, 2, 0))) static inline void buf_addfv(
	struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	if (b->over)
		return;
	va_copy(again, ap);
	n = vsnprintf(
		b->ptr ? b->ptr + b->len : NULL, b->cap - b->len, fmt, ap);
	if (n < 0) {
		b->over = true;
	} else if ((size_t)n < b->cap - b->len) {
		b->len += (size_t)n;
	} else if (buf_reserve(b, (size_t)n + 1)) {
		/* It did not fit at first, the buffer grew. */
		(void)vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

/* glibc allocates for widths and precisions past about 1000: on workers use
 * none, and no floating point. Wants one byte more than it appends. */
__attribute__((format(printf, 2, 3))) static inline void buf_addf(
	struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addfv(b, fmt, ap);
	va_end(ap);
}

/* NUL-terminates without counting the NUL; NULL if there is no room. */
static inline const char *buf_cstr(struct buf *b)
{
	char *end = buf_reserve(b, 1);

	if (!end)
		return NULL;
	*end = '\0';
	return b->ptr;
}
