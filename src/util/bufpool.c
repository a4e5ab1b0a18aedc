/*
 * A worker's buffer pool: a buddy allocator over sets of bits.
 *
 * A block of order k is 2 KiB << k and aligned to that; its buddy differs in
 * one bit of the index. Free blocks stand in one of two sets of their order,
 * clean (costs no memory) or dirty (may). Blocks merge with a free buddy of the
 * same kind only, so that a clean 16 MiB stays clean when one of its
 * neighbours was used; if a request can't be met because clean and dirty halves
 * lie side by side, sweep() merges across, the one step that is not O(1).
 * Below BUFPOOL_KEEP_ORDER everything is dirty: such blocks are never returned
 * to the system except after merging up to it.
 */
#include "util/bufpool.h"

#include <sys/mman.h>

#include "base/check.h"
#include "base/err.h"

static size_t order_bytes(unsigned k)
{
	return (size_t)1 << (BUFPOOL_MIN_SHIFT + k);
}

static void *map_reserve(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static size_t meta_words(size_t size)
{
	size_t words = 0;

	for (unsigned k = 0; k < BUFPOOL_ORDERS; k++)
		words += 2 * bits_words(size / order_bytes(k));
	return words;
}

int bufpool_init(struct bufpool *p, size_t size)
{
	uint64_t *words;

	CHECK(size > 0 && size % BUFPOOL_BLOCK_MAX == 0);
	*p = (struct bufpool){.size = size};
	p->meta_bytes = meta_words(size) * sizeof(uint64_t);
	p->meta = map_reserve(p->meta_bytes);
	p->base = map_reserve(size);
	if (!p->meta || !p->base) {
		int r = err_errno();

		bufpool_fini(p);
		return r;
	}
	/* With huge pages one touched byte would cost 2 MiB. */
	(void)madvise(p->base, size, MADV_NOHUGEPAGE);
	words = p->meta;
	for (unsigned k = 0; k < BUFPOOL_ORDERS; k++) {
		words = bits_init(&p->clean[k], size / order_bytes(k), words);
		words = bits_init(&p->dirty[k], size / order_bytes(k), words);
	}
	for (size_t i = 0; i < size / BUFPOOL_BLOCK_MAX; i++)
		bits_add(&p->clean[BUFPOOL_ORDERS - 1], i);
	return 0;
}

void bufpool_fini(struct bufpool *p)
{
	if (p->base)
		(void)munmap(p->base, p->size);
	if (p->meta)
		(void)munmap(p->meta, p->meta_bytes);
	*p = (struct bufpool){0};
}

static void count_dirty(struct bufpool *p, unsigned k, bool add)
{
	if (k >= BUFPOOL_KEEP_ORDER)
		p->dirty_bytes += add ? order_bytes(k) : 0 - order_bytes(k);
}

static void dirty_add(struct bufpool *p, unsigned k, size_t i)
{
	bits_add(&p->dirty[k], i);
	count_dirty(p, k, true);
}

static void dirty_del(struct bufpool *p, unsigned k, size_t i)
{
	bits_del(&p->dirty[k], i);
	count_dirty(p, k, false);
}

/* Puts a free block into its set, merged with free buddies of that kind. */
static void merge_dirty(struct bufpool *p, unsigned k, size_t i)
{
	while (k < BUFPOOL_ORDERS - 1 && bits_has(&p->dirty[k], i ^ 1)) {
		dirty_del(p, k, i ^ 1);
		i /= 2;
		k++;
	}
	dirty_add(p, k, i);
}

static void merge_clean(struct bufpool *p, unsigned k, size_t i)
{
	while (k < BUFPOOL_ORDERS - 1 && bits_has(&p->clean[k], i ^ 1)) {
		bits_del(&p->clean[k], i ^ 1);
		i /= 2;
		k++;
	}
	bits_add(&p->clean[k], i);
}

/* Merges dirty blocks with clean buddies as well; the whole becomes dirty. */
static void sweep(struct bufpool *p)
{
	for (unsigned k = BUFPOOL_KEEP_ORDER; k < BUFPOOL_ORDERS - 1; k++) {
		size_t n = p->size / order_bytes(k);

		for (size_t w = 0; w * 64 < n; w++) {
			uint64_t set = p->dirty[k].level[0][w];

			for (; set; set &= set - 1) {
				size_t i =
					w * 64 + (size_t)__builtin_ctzll(set);

				if (!bits_has(&p->clean[k], i ^ 1))
					continue;
				bits_del(&p->clean[k], i ^ 1);
				dirty_del(p, k, i);
				merge_dirty(p, k + 1, i / 2);
			}
		}
	}
}

/* Takes a free block of order >= k out of its set. Dirty ones of the right size
 * are warm; dirty larger ones come before clean ones only where everything is
 * dirty anyway. */
static bool take(struct bufpool *p, unsigned k, unsigned *ret_k, size_t *ret_i,
	bool *ret_clean)
{
	unsigned dirty_to = k < BUFPOOL_KEEP_ORDER ? BUFPOOL_KEEP_ORDER : k;
	unsigned o;

	*ret_clean = false;
	for (o = k; o <= dirty_to; o++)
		if (!bits_empty(&p->dirty[o]))
			goto dirty;
	for (o = k; o < BUFPOOL_ORDERS; o++) {
		if (bits_empty(&p->clean[o]))
			continue;
		*ret_clean = true;
		*ret_k = o;
		*ret_i = bits_min(&p->clean[o]);
		bits_del(&p->clean[o], *ret_i);
		return true;
	}
	for (o = dirty_to + 1; o < BUFPOOL_ORDERS; o++)
		if (!bits_empty(&p->dirty[o]))
			goto dirty;
	return false;
dirty:
	*ret_k = o;
	*ret_i = bits_min(&p->dirty[o]);
	dirty_del(p, o, *ret_i);
	return true;
}

struct bufpool_block bufpool_get(struct bufpool *p, size_t size)
{
	unsigned want = 0, k;
	bool clean;
	size_t i;

	if (size > BUFPOOL_BLOCK_MAX)
		return (struct bufpool_block){0};
	if (size > order_bytes(0))
		want = 64 - (unsigned)__builtin_clzll(size - 1) -
		       BUFPOOL_MIN_SHIFT;
	if (!take(p, want, &k, &i, &clean)) {
		sweep(p);
		if (!take(p, want, &k, &i, &clean))
			return (struct bufpool_block){0};
	}
	while (k > want) {
		k--;
		i *= 2;
		if (clean && k >= BUFPOOL_KEEP_ORDER)
			bits_add(&p->clean[k], i + 1);
		else
			dirty_add(p, k, i + 1);
	}
	p->used_bytes += order_bytes(k);
	return (struct bufpool_block){
		p->base + i * order_bytes(k), order_bytes(k)};
}

/* The block's place; a wrong one is a bug of ours and stops the process. */
static size_t block_index(
	struct bufpool *p, struct bufpool_block b, unsigned *ret_k)
{
	size_t off = (size_t)(b.ptr - p->base);
	unsigned k;

	CHECK(b.cap >= order_bytes(0) && b.cap <= BUFPOOL_BLOCK_MAX);
	k = (unsigned)__builtin_ctzll(b.cap) - BUFPOOL_MIN_SHIFT;
	CHECK(order_bytes(k) == b.cap);
	CHECK(off < p->size && off % b.cap == 0);
	CHECK(!bits_has(&p->clean[k], off / b.cap));
	CHECK(!bits_has(&p->dirty[k], off / b.cap));
	CHECK(p->used_bytes >= b.cap);
	p->used_bytes -= b.cap;
	*ret_k = k;
	return off / b.cap;
}

void bufpool_put(struct bufpool *p, struct bufpool_block b)
{
	unsigned k;
	size_t i;

	if (!b.ptr)
		return;
	i = block_index(p, b, &k);
	merge_dirty(p, k, i);
}

bool bufpool_idle_take(struct bufpool *p, struct bufpool_block *ret_block)
{
	for (unsigned k = BUFPOOL_ORDERS; k-- > BUFPOOL_KEEP_ORDER;) {
		size_t i;

		if (bits_empty(&p->dirty[k]))
			continue;
		i = bits_max(&p->dirty[k]);
		dirty_del(p, k, i);
		p->used_bytes += order_bytes(k);
		*ret_block = (struct bufpool_block){
			p->base + i * order_bytes(k), order_bytes(k)};
		return true;
	}
	return false;
}

void bufpool_idle_return(struct bufpool *p, struct bufpool_block b)
{
	unsigned k;
	size_t i = block_index(p, b, &k);

	CHECK(k >= BUFPOOL_KEEP_ORDER);
	merge_clean(p, k, i);
}
