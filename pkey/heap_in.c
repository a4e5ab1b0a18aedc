/*
 * The heap of one isolate. Runs in U (or in a test, anywhere); trusts nobody,
 * and nobody trusts it: what it gets wrong harms its own isolate alone.
 *
 *   [struct heap | block | block | ... | block | wilderness ......... end)
 *                                               ^ top
 *
 * Blocks are adjacent, each a multiple of 16 bytes: an 8-byte head, then the
 * payload at a multiple of 16. A free block carries its list links behind the
 * head and its size in its last 8 bytes, so that the block after it (which says
 * FLAG_PREV_FREE) can find it; a live one gives all but the head to its owner.
 * Two free blocks never touch: they are merged at once, and a free block that
 * touches the wilderness becomes part of it. So memory is used from the bottom
 * up and an idle isolate stays within the pages it needs.
 *
 * Free blocks stand in bins: one for each size below 1 KiB, four for each power
 * of two above, with a bitmap over the bins. Neither tables nor cost grow with
 * the region, and no page above top was touched since top stood there.
 *
 * The upper half of a head is a tag made from the head's address. It costs one
 * multiplication and catches overruns, wild pointers and, with FLAG_LIVE,
 * double frees, where they happen instead of a thousand calls later.
 */
#include "pkey/heap_in.h"

#include <stdint.h>
#include <string.h>

#include "base/check.h"

enum {
	UNIT = 16,
	HEAD = 8,
	BLOCK_MIN = 32, /* head, two links, size */
	SMALL_BINS = 64,
	SUB_BITS = 2, /* bins per power of two, as a power of two */
	BINS = 192,
	MAP_BITS = 64,
	SCAN_SHORT = 8, /* looks into a bin whose blocks may be too small */
};

#define FLAG_LIVE 1u
#define FLAG_PREV_FREE 2u
#define FLAGS 15u

/* Lies at 8 modulo 16. */
struct block {
	uint32_t size; /* bytes, head included, and flags in the low bits */
	uint32_t tag;
	int32_t next; /* links of a free block: distance from the heap in */
	int32_t prev; /* units; 0 ends the list (there lies the heap itself) */
};

struct heap {
	uintptr_t first; /* the lowest block */
	uintptr_t top;
	uintptr_t end;
	uintptr_t high; /* highest value of top */
	size_t used;
	size_t peak;
	size_t limit;
	uint32_t cookie;
	uint32_t pad;
	uint64_t map[BINS / MAP_BITS];
	int32_t bins[BINS];
};

/* Sizes stand in 32 bits. */
#define SIZE_LIMIT ((size_t)UINT32_MAX & ~(size_t)FLAGS)

/* Blocks -------------------------------------------------------------------*/

static inline uint32_t block_tag(const struct heap *h, const struct block *b)
{
	return (uint32_t)((uintptr_t)b >> 3) * 0x9E3779B1u ^ h->cookie;
}

static inline size_t block_size(const struct block *b)
{
	return b->size & ~FLAGS;
}

static inline struct block *block_at(uintptr_t p)
{
	return (struct block *)p;
}

static inline struct block *block_next(const struct block *b)
{
	return block_at((uintptr_t)b + block_size(b));
}

static inline uint64_t *block_footer(const struct block *b)
{
	return (uint64_t *)((uintptr_t)b + block_size(b) - sizeof(uint64_t));
}

static inline void *block_payload(const struct block *b)
{
	return (void *)((uintptr_t)b + HEAD);
}

static inline void block_set(
	struct heap *h, struct block *b, size_t size, uint32_t flags)
{
	b->size = (uint32_t)size | flags;
	b->tag = block_tag(h, b);
}

static inline struct block *block_of_payload(
	const struct heap *h, const void *p)
{
	struct block *b = block_at((uintptr_t)p - HEAD);

	CHECK_IN(((uintptr_t)p & (UNIT - 1)) == 0);
	CHECK_IN(b->tag == block_tag(h, b) && (b->size & FLAG_LIVE));
	return b;
}

static inline bool is_top(const struct heap *h, const struct block *b)
{
	return (uintptr_t)b == h->top;
}

/* Bins ---------------------------------------------------------------------*/

static inline unsigned bin_of(size_t size)
{
	size_t units = size / UNIT;
	unsigned log;

	if (units < SMALL_BINS)
		return (unsigned)units;
	log = 63 - (unsigned)__builtin_clzll(units);
	return SMALL_BINS + ((log - 6) << SUB_BITS) +
	       ((units >> (log - SUB_BITS)) & ((1 << SUB_BITS) - 1));
}

static inline struct block *link_block(const struct heap *h, int32_t link)
{
	return block_at((uintptr_t)h + (intptr_t)link * UNIT - HEAD);
}

static inline int32_t link_to(const struct heap *h, const struct block *b)
{
	return (int32_t)(((intptr_t)b + HEAD - (intptr_t)h) / UNIT);
}

/* b is free in every respect but its bin. */
static inline void bin_insert(struct heap *h, struct block *b)
{
	unsigned bin = bin_of(block_size(b));
	int32_t self = link_to(h, b);

	b->prev = 0;
	b->next = h->bins[bin];
	if (b->next)
		link_block(h, b->next)->prev = self;
	h->bins[bin] = self;
	h->map[bin / MAP_BITS] |= 1ull << (bin % MAP_BITS);
}

static inline void bin_remove(struct heap *h, struct block *b)
{
	unsigned bin = bin_of(block_size(b));
	int32_t self = link_to(h, b);

	CHECK_IN(b->tag == block_tag(h, b) && !(b->size & FLAG_LIVE));
	if (b->next) {
		struct block *next = link_block(h, b->next);

		CHECK_IN(next->prev == self);
		next->prev = b->prev;
	}
	if (b->prev) {
		struct block *prev = link_block(h, b->prev);

		CHECK_IN(prev->next == self);
		prev->next = b->next;
		return;
	}
	CHECK_IN(h->bins[bin] == self);
	h->bins[bin] = b->next;
	if (!b->next)
		h->map[bin / MAP_BITS] &= ~(1ull << (bin % MAP_BITS));
}

/* First block of at least `size` among the first `limit` of its own bin. */
static struct block *bin_scan(const struct heap *h, size_t size, unsigned limit)
{
	int32_t link = h->bins[bin_of(size)];

	for (; link && limit; limit--) {
		struct block *b = link_block(h, link);

		if (block_size(b) >= size)
			return b;
		link = b->next;
	}
	return NULL;
}

/* A block from the lowest bin above that of `size`: any of them is enough. */
static inline struct block *bin_above(const struct heap *h, size_t size)
{
	unsigned bin = bin_of(size) + 1;
	unsigned word = bin / MAP_BITS;
	uint64_t bits;

	if (word >= BINS / MAP_BITS)
		return NULL;
	bits = h->map[word] & (~0ull << (bin % MAP_BITS));
	while (!bits) {
		if (++word == BINS / MAP_BITS)
			return NULL;
		bits = h->map[word];
	}
	bin = word * MAP_BITS + (unsigned)__builtin_ctzll(bits);
	return link_block(h, h->bins[bin]);
}

/* Free and live ------------------------------------------------------------*/

static inline void note_used(struct heap *h, size_t more)
{
	h->used += more;
	if (h->used > h->peak)
		h->peak = h->used;
}

/*
 * Makes [b, b+size) a free block or wilderness, merged with what is free
 * around it. prev_free is FLAG_PREV_FREE if the block before it is free.
 */
static void block_release(
	struct heap *h, struct block *b, size_t size, uint32_t prev_free)
{
	struct block *next = block_at((uintptr_t)b + size);

	if (prev_free) {
		uint64_t before = *(uint64_t *)((uintptr_t)b - sizeof(before));
		struct block *prev = block_at((uintptr_t)b - before);

		CHECK_IN(block_size(prev) == before);
		bin_remove(h, prev);
		b = prev;
		size += before;
	}
	if (is_top(h, next)) {
		h->top = (uintptr_t)b;
		return;
	}
	CHECK_IN(next->tag == block_tag(h, next));
	if (!(next->size & FLAG_LIVE)) {
		bin_remove(h, next);
		size += block_size(next);
		next = block_at((uintptr_t)b + size);
	}
	next->size |= FLAG_PREV_FREE;
	block_set(h, b, size, 0);
	*block_footer(b) = size;
	bin_insert(h, b);
}

/* Cuts the live block b down to `size` if the rest is of use. */
static inline void block_trim(struct heap *h, struct block *b, size_t size)
{
	size_t rest = block_size(b) - size;

	if (rest < BLOCK_MIN)
		return;
	block_set(h, b, size, b->size & FLAGS);
	block_release(h, block_next(b), rest, 0);
}

/* Takes a free block out of its bin and cuts `size` off it. */
static inline struct block *block_take(
	struct heap *h, struct block *b, size_t size)
{
	size_t all = block_size(b);
	size_t rest = all - size;
	struct block *next = block_next(b);

	bin_remove(h, b);
	if (rest < BLOCK_MIN) {
		next->size &= ~FLAG_PREV_FREE;
		block_set(h, b, all, FLAG_LIVE);
		return b;
	}
	/* What follows stays "after a free block": only the size changes. */
	block_set(h, b, size, FLAG_LIVE);
	next = block_next(b);
	block_set(h, next, rest, 0);
	*block_footer(next) = rest;
	bin_insert(h, next);
	return b;
}

static inline void top_raise(struct heap *h, uintptr_t top)
{
	h->top = top;
	if (top > h->high)
		h->high = top;
}

static inline struct block *top_take(struct heap *h, size_t size)
{
	struct block *b = block_at(h->top);

	if (h->end - h->top < size)
		return NULL;
	top_raise(h, h->top + size);
	block_set(h, b, size, FLAG_LIVE);
	return b;
}

/* 0 when no block could be as large. */
static inline size_t size_for(const struct heap *h, size_t n)
{
	size_t size = (n + HEAD + UNIT - 1) & ~(size_t)(UNIT - 1);

	if (n == 0 || n > h->limit)
		return 0;
	return size < BLOCK_MIN ? BLOCK_MIN : size;
}

static struct block *large_alloc(struct heap *h, size_t size)
{
	struct block *b = bin_scan(h, size, SCAN_SHORT);

	if (!b)
		b = bin_above(h, size);
	if (b)
		return block_take(h, b, size);
	b = top_take(h, size);
	if (b)
		return b;
	b = bin_scan(h, size, ~0u);
	return b ? block_take(h, b, size) : NULL;
}

static struct block *small_alloc(struct heap *h, size_t size)
{
	int32_t link = h->bins[size / UNIT];
	struct block *b;

	if (link)
		return block_take(h, link_block(h, link), size);
	b = bin_above(h, size);
	return b ? block_take(h, b, size) : top_take(h, size);
}

/* The contract -------------------------------------------------------------*/

struct heap *heap_in_init(void *mem, size_t len)
{
	struct heap *h = mem;
	uintptr_t base = (uintptr_t)mem;

	CHECK_IN((base & (UNIT - 1)) == 0);
	if (len > SIZE_LIMIT)
		len = SIZE_LIMIT;
	if (len < sizeof(*h) + UNIT + BLOCK_MIN)
		return NULL;
	memset(h, 0, sizeof(*h));
	h->first = ((base + sizeof(*h) + UNIT - 1) & ~(uintptr_t)(UNIT - 1)) +
		   UNIT - HEAD;
	h->end = ((base + len - HEAD) & ~(uintptr_t)(UNIT - 1)) + HEAD;
	h->top = h->first;
	h->high = h->first;
	h->limit = h->end - h->first;
	h->cookie = (uint32_t)(base >> 12) * 0x85EBCA6Bu;
	return h;
}

void *heap_in_alloc(struct heap *h, size_t n)
{
	size_t size = size_for(h, n);
	struct block *b;

	if (__builtin_expect(size == 0, 0))
		return NULL;
	b = size < SMALL_BINS * UNIT ? small_alloc(h, size)
				     : large_alloc(h, size);
	if (__builtin_expect(!b, 0))
		return NULL;
	note_used(h, block_size(b));
	return block_payload(b);
}

void *heap_in_alloc_aligned(struct heap *h, size_t align, size_t n)
{
	uintptr_t at;
	struct block *b, *front;
	size_t size, gap;
	char *p;

	if (align <= UNIT)
		return heap_in_alloc(h, n);
	/* Room for a front that can stand as a block of its own. */
	if (n == 0 || n > h->limit || align > h->limit)
		return NULL;
	p = heap_in_alloc(h, n + align + BLOCK_MIN);
	if (!p)
		return NULL;
	front = block_of_payload(h, p);
	size = block_size(front);
	at = (uintptr_t)p;
	if (at & (align - 1))
		at = (at + BLOCK_MIN + align - 1) & ~(align - 1);
	b = block_at(at - HEAD);
	gap = (uintptr_t)b - (uintptr_t)front;
	if (gap) {
		block_set(h, b, size - gap, FLAG_LIVE);
		front->size &= ~FLAG_LIVE;
		block_release(h, front, gap, front->size & FLAG_PREV_FREE);
		h->used -= gap;
		size -= gap;
	}
	block_trim(h, b, size_for(h, n));
	h->used -= size - block_size(b);
	return block_payload(b);
}

bool heap_in_live(const struct heap *h, const void *p)
{
	uintptr_t at = (uintptr_t)p - HEAD;
	const struct block *b = block_at(at);

	if (!p)
		return true;
	/* Nothing is read but of the heap: p may point anywhere. */
	if (((uintptr_t)p & (UNIT - 1)) || at < h->first || at >= h->top)
		return false;
	return b->tag == block_tag(h, b) && (b->size & FLAG_LIVE);
}

void heap_in_free(struct heap *h, void *p)
{
	struct block *b;

	if (!p)
		return;
	b = block_of_payload(h, p);
	h->used -= block_size(b);
	/* A head that has become payload of a larger free block must not look
	 * live any more. */
	b->size &= ~FLAG_LIVE;
	block_release(h, b, block_size(b), b->size & FLAG_PREV_FREE);
}

/* Grows the live block b to `size` where it stands, if there is room. */
static bool block_extend(struct heap *h, struct block *b, size_t size)
{
	size_t more = size - block_size(b);
	struct block *next = block_next(b);
	size_t all;

	if (is_top(h, next)) {
		if (h->end - h->top < more)
			return false;
		top_raise(h, h->top + more);
		block_set(h, b, size, b->size & FLAGS);
		return true;
	}
	CHECK_IN(next->tag == block_tag(h, next));
	if ((next->size & FLAG_LIVE) || block_size(next) < more)
		return false;
	bin_remove(h, next);
	all = block_size(b) + block_size(next);
	block_set(h, b, all, b->size & FLAGS);
	block_next(b)->size &= ~FLAG_PREV_FREE;
	block_trim(h, b, size);
	return true;
}

void *heap_in_realloc(struct heap *h, void *p, size_t n)
{
	size_t size = size_for(h, n);
	struct block *b;
	size_t old;
	void *q;

	if (!p)
		return heap_in_alloc(h, n);
	b = block_of_payload(h, p);
	old = block_size(b);
	if (size == 0)
		return NULL;
	if (size <= old || block_extend(h, b, size)) {
		block_trim(h, b, size);
		h->used -= old;
		note_used(h, block_size(b));
		return p;
	}
	q = heap_in_alloc(h, n);
	if (!q)
		return NULL;
	memcpy(q, p, old - HEAD);
	heap_in_free(h, p);
	return q;
}

void heap_in_donate(struct heap *h, void *mem, size_t len)
{
	uintptr_t first =
		(((uintptr_t)mem + UNIT - 1) & ~(uintptr_t)(UNIT - 1)) + HEAD;
	ptrdiff_t away = (ptrdiff_t)(first - (uintptr_t)h);
	uintptr_t end;

	/* Links reach so far, many times the largest isolate. */
	CHECK_IN(away < ((ptrdiff_t)1 << 34) && away > -((ptrdiff_t)1 << 34));
	/* The last 8 bytes hold a head that is live for ever: the fence. */
	if (len < BLOCK_MIN + 3 * UNIT || len > SIZE_LIMIT)
		return;
	end = (((uintptr_t)mem + len - UNIT) & ~(uintptr_t)(UNIT - 1)) + HEAD;
	block_set(h, block_at(end), 0, FLAG_LIVE);
	block_release(h, block_at(first), end - first, 0);
	h->limit += end - first;
}

void heap_in_stats(const struct heap *h, struct heap_in_stats *ret_stats)
{
	ret_stats->used = h->used;
	ret_stats->peak = h->peak;
	ret_stats->limit = h->limit;
	ret_stats->top = h->high - (uintptr_t)h;
}

static bool block_ok(
	const struct heap *h, const struct block *b, bool prev_free)
{
	bool says = b->size & FLAG_PREV_FREE;
	bool live = b->size & FLAG_LIVE;

	if (b->tag != block_tag(h, b) || block_size(b) < BLOCK_MIN)
		return false;
	if (block_size(b) > h->top - (uintptr_t)b || says != prev_free)
		return false;
	return live || (!prev_free && *block_footer(b) == block_size(b));
}

bool heap_in_check(const struct heap *h)
{
	const struct block *b = block_at(h->first);
	bool prev_free = false;

	while (!is_top(h, b)) {
		if (!block_ok(h, b, prev_free))
			return false;
		prev_free = !(b->size & FLAG_LIVE);
		b = block_next(b);
	}
	return !prev_free;
}
