#pragma once
/*
 * A set of small numbers with "smallest member" in a handful of steps: words of
 * bits under words that say which words below are not zero. Memory comes from
 * the caller. Single-threaded.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BITS_LEVELS = 4
}; /* up to 64^4 members */

struct bits {
	uint64_t *level[BITS_LEVELS]; /* [0]: the members */
	unsigned levels;
};

/* Words that a set of [0, n) needs. */
static inline size_t bits_words(size_t n)
{
	size_t words = 0;

	do {
		n = (n + 63) / 64;
		words += n;
	} while (n > 1);
	return words;
}

/* mem: bits_words(n) zeroed words. Returns the first word after them. */
static inline uint64_t *bits_init(struct bits *b, size_t n, uint64_t *mem)
{
	b->levels = 0;
	do {
		n = (n + 63) / 64;
		b->level[b->levels++] = mem;
		mem += n;
	} while (n > 1);
	return mem;
}

static inline bool bits_has(const struct bits *b, size_t i)
{
	return b->level[0][i / 64] >> (i % 64) & 1;
}

static inline void bits_add(struct bits *b, size_t i)
{
	for (unsigned l = 0; l < b->levels; l++, i /= 64) {
		uint64_t old = b->level[l][i / 64];

		b->level[l][i / 64] = old | UINT64_C(1) << (i % 64);
		if (old)
			return;
	}
}

static inline void bits_del(struct bits *b, size_t i)
{
	for (unsigned l = 0; l < b->levels; l++, i /= 64) {
		b->level[l][i / 64] &= ~(UINT64_C(1) << (i % 64));
		if (b->level[l][i / 64])
			return;
	}
}

static inline bool bits_empty(const struct bits *b)
{
	return b->level[b->levels - 1][0] == 0;
}

/* The set is not empty. */
static inline size_t bits_min(const struct bits *b)
{
	size_t i = 0;

	for (unsigned l = b->levels; l-- > 0;)
		i = i * 64 + (size_t)__builtin_ctzll(b->level[l][i]);
	return i;
}

static inline size_t bits_max(const struct bits *b)
{
	size_t i = 0;

	for (unsigned l = b->levels; l-- > 0;)
		i = i * 64 + 63 - (size_t)__builtin_clzll(b->level[l][i]);
	return i;
}
