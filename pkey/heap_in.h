#pragma once
/*
 * The heap of one isolate: an allocator whose code runs with the isolate's
 * rights (or in a test, with anybody's) and whose every byte of state lies in
 * the region it manages. No system call, no lock, no global, no log.
 *
 * A corrupted heap harms its own isolate alone. The budget is a number inside
 * the isolate and so a courtesy to well-behaved code (a typed out-of-memory
 * error); what stops hostile code is the end of the mapping.
 */
#include <stdbool.h>
#include <stddef.h>

struct heap;

/*
 * Lays a heap into [mem, mem+len); mem is 16-byte aligned. Touches only the
 * first pages: memory is used from the bottom up, so an idle isolate stays
 * small. Returns NULL when len is too small to hold the header.
 */
struct heap *heap_in_init(void *mem, size_t len);

/* 16-byte aligned, not zeroed. NULL when the budget is spent or n is 0. */
void *heap_in_alloc(struct heap *h, size_t n);

/* The same at a multiple of align, a power of two. */
void *heap_in_alloc_aligned(struct heap *h, size_t align, size_t n);

/* p may be NULL. A p that is not a live block of h traps. */
void heap_in_free(struct heap *h, void *p);

/* Whether heap_in_free() would not trap: p, whatever it is, is NULL or a live
 * block of [mem, mem+len). */
bool heap_in_live(const struct heap *h, const void *p);

/* As realloc(3): p NULL allocates; on failure p stays valid. n must not be 0.
 */
void *heap_in_realloc(struct heap *h, void *p, size_t n);

/*
 * Hands [mem, mem+len) to the heap, as if it had been allocated and freed: for
 * areas the runtime laid out at start (the code) and that are needed no more.
 * Ignored when too small to be of use. The area lies directly below the heap
 * or anywhere else in the isolate; it is never merged with other memory.
 */
void heap_in_donate(struct heap *h, void *mem, size_t len);

struct heap_in_stats {
	size_t used;  /* bytes in live blocks, their overhead included */
	size_t peak;  /* highest value of used */
	size_t limit; /* what used can reach at most */
	size_t top;   /* bytes from the heap's start that were ever touched */
};
void heap_in_stats(const struct heap *h, struct heap_in_stats *ret_stats);

/* Walks every block of the region proper and answers whether all is in order.
 * For tests: the cost grows with the number of blocks. */
bool heap_in_check(const struct heap *h);
