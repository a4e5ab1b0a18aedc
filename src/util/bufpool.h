#pragma once
/*
 * A worker's memory for requests and replies, without malloc: blocks of a power
 * of two, 2 KiB to 16 MiB, out of one region reserved at start. Used by its
 * worker alone. Trusted memory, key 0; the bytes may be hostile.
 *
 * A block's memory is not cleared. Low addresses are given out first, so small
 * loads stay in few pages.
 *
 * A worker can't give memory back to the system itself. When it has nothing
 * better to do it calls bufpool_idle_take() and sends the block to the keeper,
 * which calls madvise(MADV_DONTNEED) on [ptr, ptr + cap) and sends it back for
 * bufpool_idle_return(); in between nobody else uses those bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/bits.h"

enum {
	BUFPOOL_MIN_SHIFT = 11,
	BUFPOOL_MAX_SHIFT = 24,
	BUFPOOL_ORDERS = BUFPOOL_MAX_SHIFT - BUFPOOL_MIN_SHIFT + 1,
	/* Free blocks from 64 KiB on are worth a madvise. */
	BUFPOOL_KEEP_ORDER = 16 - BUFPOOL_MIN_SHIFT,
};
#define BUFPOOL_BLOCK_MAX ((size_t)1 << BUFPOOL_MAX_SHIFT)

struct bufpool_block {
	char *ptr; /* NULL: no block */
	size_t cap;
};

struct bufpool {
	char *base;
	size_t size;
	uint64_t *meta;
	size_t meta_bytes;
	struct bits clean[BUFPOOL_ORDERS]; /* free, untouched or given back */
	struct bits dirty[BUFPOOL_ORDERS]; /* free, perhaps resident */
	size_t used_bytes;
	size_t dirty_bytes; /* in dirty blocks from BUFPOOL_KEEP_ORDER on */
};

/* Reserves `size` bytes of addresses, a multiple of 16 MiB. 0 or -errno. Makes
 * system calls: before confinement. */
int bufpool_init(struct bufpool *p, size_t size);
void bufpool_fini(struct bufpool *p);

/* A block with cap >= size; ptr NULL: pool exhausted or size over the largest
 * class. */
struct bufpool_block bufpool_get(struct bufpool *p, size_t size);
/* Takes a block back; one without memory is ignored. */
void bufpool_put(struct bufpool *p, struct bufpool_block b);

/* A free block whose pages may be resident, largest and highest first; it is
 * out of the pool until returned. False: there is none. */
bool bufpool_idle_take(struct bufpool *p, struct bufpool_block *ret_block);
void bufpool_idle_return(struct bufpool *p, struct bufpool_block b);
/* What bufpool_idle_take() could still hand out. */
static inline size_t bufpool_idle_bytes(const struct bufpool *p)
{
	return p->dirty_bytes;
}
