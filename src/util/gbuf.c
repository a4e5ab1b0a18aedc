/*
 * The growing buffer: doubles, so that appending costs O(1) on average, and
 * refuses past GBUF_MAX, so that no user can make it grow without end.
 */
#include "util/gbuf.h"

#include <stdlib.h>

enum {
	GBUF_MIN = 1024,
	GBUF_MAX = 256 << 20
};

static bool gbuf_grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : GBUF_MIN;
	char *ptr;

	if (need > GBUF_MAX - b->len)
		return false;
	while (cap - b->len < need)
		cap *= 2;
	ptr = realloc(b->ptr, cap);
	if (!ptr)
		return false;
	b->ptr = ptr;
	b->cap = cap;
	return true;
}

void gbuf_init(struct buf *b)
{
	*b = (struct buf){.grow = gbuf_grow};
}

void gbuf_fini(struct buf *b)
{
	free(b->ptr);
	gbuf_init(b);
}

char *gbuf_steal(struct buf *b, size_t *ret_len)
{
	char *ptr;

	if (b->over || !buf_cstr(b)) {
		gbuf_fini(b);
		return NULL;
	}
	ptr = b->ptr;
	*ret_len = b->len;
	gbuf_init(b);
	return ptr;
}
