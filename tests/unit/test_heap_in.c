/*
 * pkey/heap_in.c against a model: every live block is filled with a pattern of
 * its own, so an overlap, a move that loses bytes or a block outside its region
 * shows. Runs with the test's rights; trusts nothing the heap says.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pkey/heap_in.h"

enum {
	MODEL_MAX = 700,
	GUARD = 64
};

struct model {
	unsigned char *p;
	size_t n;
	unsigned char fill;
};

struct arena {
	unsigned char *mem; /* GUARD bytes stand on either side */
	size_t len;
	struct heap *h;
};

static uint64_t rng_state = 0x2545F4914F6CDD1Dull;

static uint32_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (uint32_t)(rng_state >> 20);
}

static void arena_init(struct arena *a, size_t len)
{
	unsigned char *raw = aligned_alloc(64, (len + 2 * GUARD + 63) & ~63ul);

	cr_assert_not_null(raw);
	memset(raw, 0xEE, len + 2 * GUARD);
	a->mem = raw + GUARD;
	a->len = len;
	a->h = heap_in_init(a->mem, len);
}

static void arena_fini(struct arena *a)
{
	for (size_t i = 0; i < GUARD; i++) {
		cr_assert_eq(a->mem[-1 - (ptrdiff_t)i], 0xEE);
		cr_assert_eq(a->mem[a->len + i], 0xEE);
	}
	free(a->mem - GUARD);
}

static size_t used(const struct heap *h)
{
	struct heap_in_stats s;

	heap_in_stats(h, &s);
	cr_assert_leq(s.used, s.peak);
	cr_assert_leq(s.used, s.limit);
	return s.used;
}

static bool intact(const struct model *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->p[i] != m->fill)
			return false;
	return true;
}

static void inside(const struct arena *a, const struct model *m)
{
	cr_assert_eq((uintptr_t)m->p % 16, 0);
	cr_assert_geq(m->p, a->mem);
	cr_assert_leq(m->p + m->n, a->mem + a->len);
}

static size_t random_size(void)
{
	switch (rng() % 8) {
	case 0:
		return 1 + rng() % 20000;
	case 1:
	case 2:
		return 1 + rng() % 2000;
	default:
		return 1 + rng() % 200;
	}
}

static void model_alloc(struct arena *a, struct model *m)
{
	m->n = random_size();
	m->fill = (unsigned char)rng();
	if (rng() % 8 == 0) {
		size_t align = (size_t)1 << rng() % 13;

		m->p = heap_in_alloc_aligned(a->h, align, m->n);
		cr_assert_eq((uintptr_t)m->p % align, 0);
	} else {
		m->p = heap_in_alloc(a->h, m->n);
	}
	if (!m->p)
		return;
	cr_assert(heap_in_live(a->h, m->p));
	inside(a, m);
	memset(m->p, m->fill, m->n);
}

static void model_realloc(struct arena *a, struct model *m)
{
	size_t n = rng() % 4 ? random_size() : m->n + 1 + rng() % 64;
	unsigned char *q = heap_in_realloc(a->h, m->p, n);
	size_t kept = n < m->n ? n : m->n;

	if (!q) {
		cr_assert(intact(m));
		return;
	}
	for (size_t i = 0; i < kept; i++)
		cr_assert_eq(q[i], m->fill);
	m->p = q;
	m->n = n;
	inside(a, m);
	memset(m->p, m->fill, m->n);
}

static void model_run(size_t len, unsigned steps)
{
	static struct model live[MODEL_MAX];
	struct arena a;
	size_t empty;

	arena_init(&a, len);
	cr_assert_not_null(a.h);
	memset(live, 0, sizeof(live));
	empty = used(a.h);
	for (unsigned i = 0; i < steps; i++) {
		struct model *m = &live[rng() % MODEL_MAX];

		if (!m->p) {
			model_alloc(&a, m);
		} else if (rng() % 3 == 0) {
			model_realloc(&a, m);
		} else {
			cr_assert(intact(m));
			heap_in_free(a.h, m->p);
			m->p = NULL;
		}
		if (i % 512 == 0)
			cr_assert(heap_in_check(a.h), "step %u", i);
	}
	for (size_t i = 0; i < MODEL_MAX; i++) {
		if (live[i].p)
			cr_assert(intact(&live[i]));
		heap_in_free(a.h, live[i].p);
	}
	cr_assert(heap_in_check(a.h));
	cr_assert_eq(used(a.h), empty);
	arena_fini(&a);
}

Test(heap_in, model_roomy)
{
	model_run(16u << 20, 200000);
}

Test(heap_in, model_tight)
{
	for (unsigned i = 0; i < 20; i++)
		model_run(20000 + rng() % 60000, 20000);
}

Test(heap_in, too_small)
{
	static _Alignas(16) unsigned char mem[4096];

	cr_assert_null(heap_in_init(mem, 0));
	cr_assert_null(heap_in_init(mem, 100));
}

Test(heap_in, odd_sizes_of_requests)
{
	struct arena a;

	arena_init(&a, 65536);
	cr_assert_null(heap_in_alloc(a.h, 0));
	cr_assert_null(heap_in_alloc(a.h, SIZE_MAX));
	cr_assert_null(heap_in_alloc(a.h, SIZE_MAX - 16));
	cr_assert_null(heap_in_alloc(a.h, (size_t)1 << 40));
	cr_assert_null(heap_in_alloc(a.h, 65536));
	heap_in_free(a.h, NULL);
	cr_assert_eq(used(a.h), 0);
	arena_fini(&a);
}

/* Everything can be spent, given back, and spent again as one piece. */
Test(heap_in, exhaustion_and_coalescing)
{
	static void *p[5000];
	struct heap_in_stats s;
	struct arena a;
	size_t n = 0;
	void *whole;

	arena_init(&a, 100000);
	while ((p[n] = heap_in_alloc(a.h, 40)))
		n++;
	heap_in_stats(a.h, &s);
	cr_assert_geq(s.used + 48, s.limit);
	for (size_t i = 0; i < n; i += 2)
		heap_in_free(a.h, p[i]);
	cr_assert_null(heap_in_alloc(a.h, 100));
	for (size_t i = 1; i < n; i += 2)
		heap_in_free(a.h, p[i]);
	cr_assert_eq(used(a.h), 0);
	whole = heap_in_alloc(a.h, s.limit - 8);
	cr_assert_not_null(whole);
	cr_assert_eq(used(a.h), s.limit);
	heap_in_free(a.h, whole);
	arena_fini(&a);
}

/* Growing the last block, or into a free neighbour, does not copy. */
Test(heap_in, realloc_in_place)
{
	struct arena a;
	char *p, *q, *r;

	arena_init(&a, 65536);
	p = heap_in_alloc(a.h, 100);
	cr_assert_eq(heap_in_realloc(a.h, p, 30000), p);
	cr_assert_eq(heap_in_realloc(a.h, p, 200), p);
	q = heap_in_alloc(a.h, 1000);
	r = heap_in_alloc(a.h, 100);
	heap_in_free(a.h, q);
	cr_assert_eq(heap_in_realloc(a.h, p, 900), p);
	cr_assert(heap_in_check(a.h));
	cr_assert_neq(heap_in_realloc(a.h, p, 5000), p);
	cr_assert_null(heap_in_realloc(a.h, r, 60000));
	cr_assert_null(heap_in_realloc(a.h, r, SIZE_MAX));
	cr_assert_not_null(heap_in_realloc(a.h, NULL, 10));
	cr_assert(heap_in_check(a.h));
	arena_fini(&a);
}

Test(heap_in, reuses_low_memory_first)
{
	struct heap_in_stats before, after;
	struct arena a;
	void *p[100];

	arena_init(&a, 1u << 20);
	for (int i = 0; i < 100; i++)
		p[i] = heap_in_alloc(a.h, 200);
	heap_in_stats(a.h, &before);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 99; i++)
			heap_in_free(a.h, p[i]);
		for (int i = 0; i < 99; i++)
			p[i] = heap_in_alloc(a.h, 1 + rng() % 200);
	}
	heap_in_stats(a.h, &after);
	cr_assert_eq(before.top, after.top);
	arena_fini(&a);
}

/* A large region costs nothing until it is used. */
Test(heap_in, touches_little)
{
	size_t len = (size_t)1 << 30, pages = 0;
	static unsigned char vec[(1u << 30) / 4096];
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct heap *h;

	cr_assert_neq(mem, MAP_FAILED);
	h = heap_in_init(mem, len);
	for (int i = 0; i < 100; i++)
		cr_assert_not_null(heap_in_alloc(h, 100));
	cr_assert_eq(mincore(mem, len, vec), 0);
	for (size_t i = 0; i < sizeof(vec); i++)
		pages += vec[i] & 1;
	cr_assert_leq(pages, 4);
	munmap(mem, len);
}

Test(heap_in, aligned)
{
	struct arena a;
	size_t empty;
	void *p;

	arena_init(&a, 65536);
	empty = used(a.h);
	for (size_t align = 1; align <= 16384; align *= 2)
		for (size_t n = 1; n < 300; n += 7) {
			p = heap_in_alloc_aligned(a.h, align, n);
			cr_assert_not_null(p);
			cr_assert_eq((uintptr_t)p % align, 0);
			cr_assert(heap_in_check(a.h));
			heap_in_free(a.h, p);
			cr_assert(heap_in_check(a.h));
			cr_assert_eq(used(a.h), empty);
		}
	cr_assert_null(heap_in_alloc_aligned(a.h, 64, 0));
	cr_assert_null(heap_in_alloc_aligned(a.h, 64, 65536));
	cr_assert_null(heap_in_alloc_aligned(a.h, 64, SIZE_MAX));
	cr_assert_null(heap_in_alloc_aligned(a.h, (size_t)1 << 63, 1));
	arena_fini(&a);
}

Test(heap_in, tells_what_is_live)
{
	static const uintptr_t wild[] = {
		1, 8, 16, 4096, 1ul << 47, UINT64_MAX, UINT64_MAX - 15};
	char *all[50], *p;
	struct arena a;

	arena_init(&a, 65536);
	cr_assert(heap_in_live(a.h, NULL));
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++)
		cr_assert(!heap_in_live(a.h, (void *)wild[i]));
	cr_assert(!heap_in_live(a.h, a.h));
	cr_assert(!heap_in_live(a.h, &a));
	for (int i = 0; i < 50; i++)
		all[i] = memset(heap_in_alloc(a.h, 100), 'x', 100);
	for (int n = 1; n < 112; n++)
		cr_assert(!heap_in_live(a.h, all[0] + n));
	/* With a hole, as part of a larger one, and at the top. */
	for (int i = 0; i < 50; i += 1 + (i % 3 == 0)) {
		cr_assert(heap_in_live(a.h, all[i]));
		heap_in_free(a.h, all[i]);
		for (int k = 0; k <= i; k++)
			cr_assert(heap_in_live(a.h, all[k]) ==
				  (k % 3 == 1 && k < i));
	}
	p = heap_in_alloc(a.h, 1000);
	cr_assert(heap_in_live(a.h, p));
	cr_assert(heap_in_check(a.h));
	arena_fini(&a);
}

Test(heap_in, donated_area)
{
	struct heap_in_stats before, after;
	unsigned char *extra;
	struct arena a;
	void *p;

	arena_init(&a, 8192);
	extra = a.mem; /* below the heap, as the code's area is */
	a.h = heap_in_init(a.mem + 4096, 4096);
	heap_in_stats(a.h, &before);
	heap_in_donate(a.h, extra, 8); /* of no use */
	heap_in_donate(a.h, extra + 3, 4096 - 3);
	heap_in_stats(a.h, &after);
	cr_assert_eq(after.used, before.used);
	cr_assert_geq(after.limit, before.limit + 4000);
	p = heap_in_alloc(a.h, 3900);
	cr_assert(p > (void *)extra && p < (void *)(extra + 100));
	memset(p, 1, 3900);
	heap_in_free(a.h, p);
	cr_assert(heap_in_alloc(a.h, 2000));
	cr_assert(heap_in_alloc(a.h, 1500));
	while (heap_in_alloc(a.h, 16))
		;
	heap_in_stats(a.h, &after);
	cr_assert_geq(after.used + 64, after.limit);
	arena_fini(&a);
}

Test(heap_in, double_free_traps, .signal = SIGILL)
{
	struct arena a;
	void *p;

	arena_init(&a, 65536);
	p = heap_in_alloc(a.h, 100);
	(void)heap_in_alloc(a.h, 100);
	heap_in_free(a.h, p);
	heap_in_free(a.h, p);
}

Test(heap_in, double_free_after_merge_traps, .signal = SIGILL)
{
	struct arena a;
	void *p, *q;

	arena_init(&a, 65536);
	p = heap_in_alloc(a.h, 100);
	q = heap_in_alloc(a.h, 100);
	heap_in_free(a.h, p);
	heap_in_free(a.h, q);
	heap_in_free(a.h, q);
}

Test(heap_in, wild_free_traps, .signal = SIGILL)
{
	struct arena a;
	char *p;

	arena_init(&a, 65536);
	p = heap_in_alloc(a.h, 100);
	memset(p, 0, 100);
	heap_in_free(a.h, p + 32);
}

Test(heap_in, unaligned_free_traps, .signal = SIGILL)
{
	struct arena a;

	arena_init(&a, 65536);
	heap_in_free(a.h, (char *)heap_in_alloc(a.h, 100) + 1);
}

Test(heap_in, overrun_traps, .signal = SIGILL)
{
	struct arena a;
	char *p, *q;

	arena_init(&a, 65536);
	p = heap_in_alloc(a.h, 24);
	q = heap_in_alloc(a.h, 24);
	memset(p, 'A', 32);
	heap_in_free(a.h, q);
}

/* A write through a dangling pointer that breaks the list is found. */
Test(heap_in, broken_links_trap, .signal = SIGILL)
{
	struct arena a;
	int32_t *p, *q;

	arena_init(&a, 65536);
	p = heap_in_alloc(a.h, 40);
	(void)heap_in_alloc(a.h, 40);
	q = heap_in_alloc(a.h, 40);
	(void)heap_in_alloc(a.h, 40);
	heap_in_free(a.h, p);
	heap_in_free(a.h, q);
	q[0] = 1; /* the next link */
	(void)heap_in_alloc(a.h, 40);
}
