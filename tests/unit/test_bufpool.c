/* The worker's buffer pool. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "util/bufpool.h"

enum {
	MIB = 1 << 20
};

static struct bufpool pool;

static void setup(void)
{
	cr_assert_eq(bufpool_init(&pool, 64 * MIB), 0);
}

static void teardown(void)
{
	bufpool_fini(&pool);
}

TestSuite(bufpool, .init = setup, .fini = teardown);

Test(bufpool, sizes_round_up_to_classes)
{
	static const struct {
		size_t size, cap;
	} t[] = {
		{0, 2048},
		{1, 2048},
		{2048, 2048},
		{2049, 4096},
		{65536, 65536},
		{65537, 131072},
		{9 * MIB, 16 * MIB},
		{16 * MIB, 16 * MIB},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bufpool_block b = bufpool_get(&pool, t[i].size);

		cr_assert_not_null(b.ptr);
		cr_assert_eq(b.cap, t[i].cap);
		memset(b.ptr, 0xaa, b.cap);
		bufpool_put(&pool, b);
	}
	cr_assert_eq(pool.used_bytes, 0);
}

Test(bufpool, too_large_is_refused)
{
	cr_assert_null(bufpool_get(&pool, 16 * MIB + 1).ptr);
	cr_assert_null(bufpool_get(&pool, SIZE_MAX).ptr);
	bufpool_put(&pool, (struct bufpool_block){0});
}

Test(bufpool, low_addresses_first)
{
	struct bufpool_block a = bufpool_get(&pool, 2048);
	struct bufpool_block b = bufpool_get(&pool, 2048);

	cr_assert_eq(a.ptr, pool.base);
	cr_assert_eq(b.ptr, pool.base + 2048);
	bufpool_put(&pool, a);
	cr_assert_eq(bufpool_get(&pool, 1).ptr, pool.base);
}

Test(bufpool, every_byte_once_then_exhausted)
{
	size_t n = 0;
	struct bufpool_block b;

	while ((b = bufpool_get(&pool, 2048)).ptr) {
		cr_assert_eq(b.ptr, pool.base + n * 2048);
		n++;
	}
	cr_assert_eq(n, 64 * MIB / 2048);
	for (size_t i = 0; i < n; i++)
		bufpool_put(&pool,
			(struct bufpool_block){pool.base + i * 2048, 2048});
	/* All merged again, through the sets of large blocks. */
	for (int i = 0; i < 4; i++)
		cr_assert_not_null(bufpool_get(&pool, 16 * MIB).ptr);
	cr_assert_null(bufpool_get(&pool, 1).ptr);
}

Test(bufpool, clean_and_dirty_halves_join_when_needed)
{
	struct bufpool_block small = bufpool_get(&pool, 65536);
	struct bufpool_block b;

	bufpool_put(&pool, small);
	cr_assert_eq(bufpool_idle_bytes(&pool), 65536);
	for (int i = 0; i < 3; i++)
		cr_assert_not_null(bufpool_get(&pool, 16 * MIB).ptr);
	/* The first 16 MiB are one dirty 64 KiB and clean rest. */
	b = bufpool_get(&pool, 16 * MIB);
	cr_assert_eq(b.ptr, pool.base);
	cr_assert_eq(bufpool_idle_bytes(&pool), 0);
}

Test(bufpool, idle_blocks_go_out_and_come_back_clean)
{
	struct bufpool_block b = bufpool_get(&pool, 1 * MIB), idle;
	unsigned char in_core[256];

	memset(b.ptr, 1, b.cap);
	cr_assert_not(bufpool_idle_take(&pool, &idle));
	bufpool_put(&pool, b);
	cr_assert_eq(bufpool_idle_bytes(&pool), 1 * MIB);
	cr_assert(bufpool_idle_take(&pool, &idle));
	cr_assert_eq(idle.ptr, b.ptr);
	cr_assert_eq(idle.cap, b.cap);
	cr_assert_not(bufpool_idle_take(&pool, &idle));
	/* Out of the pool: nobody else gets it. */
	cr_assert_neq(bufpool_get(&pool, 1 * MIB).ptr, idle.ptr);
	cr_assert_eq(madvise(idle.ptr, idle.cap, MADV_DONTNEED), 0);
	bufpool_idle_return(&pool, idle);
	cr_assert_eq(bufpool_idle_bytes(&pool), 0);
	cr_assert_eq(mincore(b.ptr, b.cap, in_core), 0);
	for (size_t i = 0; i < 256; i++)
		cr_assert_eq(in_core[i] & 1, 0);
	cr_assert_eq(bufpool_get(&pool, 1 * MIB).ptr, b.ptr);
}

Test(bufpool, small_blocks_become_idle_when_they_merge)
{
	struct bufpool_block b[32];

	for (int i = 0; i < 32; i++)
		b[i] = bufpool_get(&pool, 2048);
	for (int i = 0; i < 31; i++)
		bufpool_put(&pool, b[i]);
	cr_assert_eq(bufpool_idle_bytes(&pool), 0);
	bufpool_put(&pool, b[31]);
	cr_assert_eq(bufpool_idle_bytes(&pool), 65536);
}

Test(bufpool, double_put_stops_the_process, .signal = SIGILL)
{
	struct bufpool_block b = bufpool_get(&pool, 65536);

	bufpool_put(&pool, b);
	bufpool_put(&pool, b);
}

Test(bufpool, foreign_block_stops_the_process, .signal = SIGILL)
{
	static char mine[4096];

	bufpool_put(&pool, (struct bufpool_block){mine, sizeof(mine)});
}

/* Random use against a shadow: no two live blocks overlap. */
Test(bufpool, random_use)
{
	enum {
		LIVE = 200
	};
	static struct bufpool_block live[LIVE];
	static unsigned char stamp[LIVE];
	unsigned seed = 7, failed = 0;

	for (int step = 0; step < 100000; step++) {
		unsigned i = (unsigned)rand_r(&seed) % LIVE;
		struct bufpool_block idle;

		if (live[i].ptr) {
			cr_assert_eq((unsigned char)live[i].ptr[0], stamp[i]);
			cr_assert_eq(
				(unsigned char)live[i].ptr[live[i].cap - 1],
				stamp[i]);
			bufpool_put(&pool, live[i]);
			live[i] = (struct bufpool_block){0};
		} else {
			size_t size = (size_t)1 << (rand_r(&seed) % 23);

			live[i] = bufpool_get(&pool, size);
			if (!live[i].ptr) {
				failed++;
				continue;
			}
			stamp[i] = (unsigned char)rand_r(&seed);
			live[i].ptr[0] = (char)stamp[i];
			live[i].ptr[live[i].cap - 1] = (char)stamp[i];
		}
		if (step % 16 == 0 && bufpool_idle_take(&pool, &idle))
			bufpool_idle_return(&pool, idle);
	}
	for (unsigned i = 0; i < LIVE; i++)
		bufpool_put(&pool, live[i]);
	cr_assert_eq(pool.used_bytes, 0);
	for (int i = 0; i < 4; i++)
		cr_assert_not_null(bufpool_get(&pool, 16 * MIB).ptr);
	cr_assert_gt(failed, 0);
}
