/* A tenant's share of the processors: the bucket's arithmetic at a time of its
 * own, and that no nanosecond is charged twice or lost between threads. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "core/share.h"

#define MS CLOCK_MS
/* Long after the start: the bucket is full. */
#define T0 (1000 * CLOCK_S)

static struct share share;

static void start(uint32_t percent, unsigned workers)
{
	cr_assert_eq(share_init(&share, percent, workers), 0);
}

/* A run of that length; the time it ends. */
static uint64_t run(unsigned worker, uint64_t begin, uint64_t ns)
{
	share_begin(&share, worker, begin);
	share_end(&share, worker, begin, begin + ns);
	return begin + ns;
}

Test(share, no_limit_counts_all_the_same)
{
	start(0, 2);
	cr_assert_eq(run(0, T0, 5 * MS), T0 + 5 * MS);
	run(1, T0, 7 * MS);
	for (int i = 0; i < 100; i++)
		share_admit(&share);
	cr_assert_eq(share_wait(&share, T0), 0u);
	cr_assert_eq(share_used(&share, T0 + CLOCK_S), 12 * MS);
	share_settle(&share);
	share_fini(&share);
}

Test(share, what_a_period_holds_then_at_the_rate)
{
	uint64_t now = T0;

	start(25, 1);
	/* 25 ms, in runs of 5. */
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(share_wait(&share, now), 0u, "run %d", i);
		run(0, T0, 5 * MS);
	}
	now = T0;
	cr_assert_eq(share_wait(&share, now), 1u);
	cr_assert_eq(share_wait(&share, now + 1), 0u);
	/* Once it is empty each 5 ms take 20 to come. */
	run(0, T0, 5 * MS);
	cr_assert_eq(share_wait(&share, now), 20 * MS + 1);
	cr_assert_eq(share_wait(&share, now + 20 * MS), 1u);
	cr_assert_eq(share_wait(&share, now + 20 * MS + 1), 0u);
	/* A pause does not add up to more than a period's worth. */
	now = T0 + 3600 * CLOCK_S;
	for (int i = 0; i < 5; i++)
		run(0, now, 5 * MS);
	cr_assert_neq(share_wait(&share, now), 0u);
	cr_assert_eq(share_used(&share, now), 55 * MS);
	share_fini(&share);
}

Test(share, a_long_run_is_a_debt)
{
	start(10, 1);
	run(0, T0, CLOCK_S);
	/* 1 s is 10 s worth; 1 s of it passed, and a period is ahead. */
	cr_assert_eq(share_wait(&share, T0 + CLOCK_S),
		9 * CLOCK_S - SHARE_PERIOD_NS + 1);
	cr_assert_eq(share_wait(&share, T0 + 10 * CLOCK_S), 0u);
	share_fini(&share);
}

/* The same work, whatever its pieces: 1 ms, 1 us, 257 ns. */
Test(share, short_runs_count_as_much)
{
	static const uint64_t pieces[] = {MS, 1000, 257};
	static const uint32_t percents[] = {1, 33, 100, 700, 25600};

	for (int p = 0; p < 3; p++)
		for (int k = 0; k < 5; k++) {
			uint64_t n = 10 * MS / pieces[p], wait, want;

			start(percents[k], 1);
			atomic_store(&share.due, T0 + 100 * CLOCK_S);
			for (uint64_t i = 0; i < n; i++)
				run(0, T0, pieces[p]);
			wait = atomic_load(&share.due) - T0 - 100 * CLOCK_S;
			want = n * pieces[p] * 100 / percents[k];
			/* Half a nanosecond a run. */
			cr_assert(wait + n / 2 + 1 >= want &&
					  wait <= want + n / 2 + 1,
				"%lu ns at %u %%: %lu, not %lu",
				(unsigned long)pieces[p], percents[k],
				(unsigned long)wait, (unsigned long)want);
			share_fini(&share);
		}
}

Test(share, more_than_one_processor)
{
	start(200, 4);
	/* Two workers all the time are within it, however long. */
	for (int i = 0; i < 100; i++)
		for (unsigned w = 0; w < 2; w++) {
			uint64_t begin = T0 + (uint64_t)i * 10 * MS;

			cr_assert_eq(share_wait(&share, begin), 0u);
			run(w, begin, 10 * MS);
		}
	/* Three are not: each second they take half of one too much. */
	for (int i = 100; i < 200; i++)
		for (unsigned w = 0; w < 3; w++)
			run(w, T0 + (uint64_t)i * 10 * MS, 10 * MS);
	cr_assert_eq(share_wait(&share, T0 + 2 * CLOCK_S),
		CLOCK_S / 2 - SHARE_PERIOD_NS + 1);
	share_fini(&share);
}

Test(share, a_run_is_seen_while_it_lasts)
{
	start(50, 3);
	share_begin(&share, 2, T0);
	cr_assert_eq(share_wait(&share, T0 + 99 * MS), 0u);
	/* 100 ms take 200: the period ahead is used up. */
	cr_assert_neq(share_wait(&share, T0 + 100 * MS), 0u);
	cr_assert_eq(share_used(&share, T0 + 100 * MS), 100 * MS);
	/* The later, the more. A clock that is behind changes nothing. */
	cr_assert_eq(share_wait(&share, T0 + 300 * MS), 200 * MS + 1);
	cr_assert_eq(share_used(&share, T0 + 200 * MS), 300 * MS);
	share_end(&share, 2, T0, T0 + 400 * MS);
	cr_assert_eq(share_used(&share, T0 + 900 * MS), 400 * MS);
	cr_assert_eq(share_wait(&share, T0 + 800 * MS), 0u);
	share_fini(&share);
}

Test(share, many_that_have_not_begun)
{
	start(10, 1);
	/* Nothing is known of them: 1 ms each, 10 are what a period holds. */
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(share_wait(&share, T0), 0u, "%d", i);
		share_admit(&share);
	}
	cr_assert_neq(share_wait(&share, T0), 0u);
	/* They come to nothing. */
	for (int i = 0; i < 10; i++)
		share_settle(&share);
	cr_assert_eq(share_wait(&share, T0), 0u);
	/* Long ones were here: not one more beside one that comes. */
	for (int i = 0; i < 100; i++)
		run(0, T0 + (uint64_t)i * CLOCK_S, 50 * MS);
	cr_assert_eq(share_wait(&share, T0 + 200 * CLOCK_S), 0u);
	share_admit(&share);
	cr_assert_neq(share_wait(&share, T0 + 200 * CLOCK_S), 0u);
	share_settle(&share);
	share_fini(&share);
}

/* One worker runs, others look at what is left all the time, by the clock of
 * the run that goes on or an older one. */
enum {
	LOOKERS = 3,
	RUNS = 50000,
	STEP = 1000
};
static _Atomic uint64_t now_of_all = T0;
static _Atomic bool ended;

static void *look(void *arg)
{
	uint64_t before = 0;

	(void)arg;
	while (!atomic_load(&ended)) {
		uint64_t used = share_used(&share, atomic_load(&now_of_all));

		cr_assert_geq(used, before);
		before = used;
	}
	return NULL;
}

Test(share, each_nanosecond_once, .timeout = 60)
{
	const uint64_t far = T0 + 1000 * CLOCK_S;
	pthread_t t[LOOKERS];

	start(100, 2);
	atomic_store(&share.due, far);
	for (int i = 0; i < LOOKERS; i++)
		cr_assert_eq(pthread_create(&t[i], NULL, look, NULL), 0);
	for (uint64_t i = 0; i < RUNS; i++) {
		uint64_t begin = T0 + i * STEP;

		share_begin(&share, 1, begin);
		for (uint64_t part = STEP / 4; part < STEP; part += STEP / 4)
			atomic_store(&now_of_all, begin + part);
		share_end(&share, 1, begin, begin + STEP);
	}
	atomic_store(&ended, true);
	for (int i = 0; i < LOOKERS; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(share_used(&share, T0), (uint64_t)RUNS * STEP);
	cr_assert_eq(atomic_load(&share.due), far + (uint64_t)RUNS * STEP);
	share_fini(&share);
}

/* Workers that run at the same time, each asking before it does: as many
 * admitted as settled, all is charged. */
static void *work(void *arg)
{
	unsigned w = (unsigned)(uintptr_t)arg;

	for (int i = 0; i < RUNS; i++) {
		uint64_t begin = atomic_fetch_add(&now_of_all, STEP);

		(void)share_wait(&share, begin);
		share_admit(&share);
		share_settle(&share);
		share_begin(&share, w, begin);
		share_end(&share, w, begin, begin + STEP);
	}
	return NULL;
}

Test(share, workers_at_the_same_time, .timeout = 60)
{
	pthread_t t[LOOKERS];

	start(100, LOOKERS);
	for (uintptr_t i = 0; i < LOOKERS; i++)
		cr_assert_eq(pthread_create(&t[i], NULL, work, (void *)i), 0);
	for (int i = 0; i < LOOKERS; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(share.coming, 0u);
	for (int i = 0; i < LOOKERS; i++)
		cr_assert_eq(share.cells[i].since, 0u);
	cr_assert_geq(share_used(&share, T0), (uint64_t)LOOKERS * RUNS * STEP);
	share_fini(&share);
}
