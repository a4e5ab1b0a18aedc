/*
 * A tenant's share raced, under ThreadSanitizer: workers run, each after asking
 * whether it may, others ask and add up all the time, with clocks that are
 * behind and ahead. Exact where it has to be: by clocks that are never ahead of
 * a run's end each nanosecond is charged once.
 *
 * usage: share_race RUNS
 */
#include <pthread.h>
#include <stdlib.h>

#include "core/share.h"
#include "tests/stress/tap.h"

enum {
	WORKERS = 3,
	ASKERS = 2,
	STEP = 1000
};
#define T0 (1000 * CLOCK_S)

static struct share share;
static uint64_t runs;
static _Atomic uint64_t now_of[WORKERS]; /* of its run that goes on */
static _Atomic bool ahead, ended;
static _Atomic unsigned backwards;

static void *work(void *arg)
{
	unsigned w = (unsigned)(uintptr_t)arg;

	for (uint64_t i = 0; i < runs; i++) {
		uint64_t begin = T0 + i * STEP;

		if (atomic_load(&ahead))
			(void)share_wait(&share, begin);
		share_admit(&share);
		share_settle(&share);
		share_begin(&share, w, begin);
		atomic_store(&now_of[w], begin + STEP / 2);
		share_end(&share, w, begin, begin + STEP);
	}
	return NULL;
}

static uint64_t least(void)
{
	uint64_t t = UINT64_MAX;

	for (unsigned w = 0; w < WORKERS; w++)
		if (atomic_load(&now_of[w]) < t)
			t = now_of[w];
	return t;
}

static void *ask(void *arg)
{
	uint64_t before = 0;

	(void)arg;
	while (!atomic_load(&ended)) {
		uint64_t now = atomic_load(&ahead) ? T0 + runs * STEP : least();
		uint64_t used = share_used(&share, now);

		if (used < before)
			atomic_fetch_add(&backwards, 1);
		before = used;
		(void)share_wait(&share, now);
	}
	return NULL;
}

static bool race(void)
{
	pthread_t workers[WORKERS], askers[ASKERS];
	bool ok = share_init(&share, 100, WORKERS) == 0;

	/* Far ahead, so that nothing is forgiven for a bucket that is full. */
	atomic_store(&share.due, T0 + 1000 * CLOCK_S);
	atomic_store(&ended, false);
	for (unsigned w = 0; w < WORKERS; w++)
		atomic_store(&now_of[w], T0);
	for (unsigned i = 0; i < ASKERS; i++)
		ok &= pthread_create(&askers[i], NULL, ask, NULL) == 0;
	for (uintptr_t w = 0; w < WORKERS; w++)
		ok &= pthread_create(&workers[w], NULL, work, (void *)w) == 0;
	for (unsigned w = 0; w < WORKERS; w++)
		ok &= pthread_join(workers[w], NULL) == 0;
	atomic_store(&ended, true);
	for (unsigned i = 0; i < ASKERS; i++)
		ok &= pthread_join(askers[i], NULL) == 0;
	return ok;
}

int main(int argc, char **argv)
{
	const uint64_t far = T0 + 1000 * CLOCK_S;
	uint64_t all;

	runs = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
	all = WORKERS * runs * STEP;
	tap_ok(race(), "clocks behind");
	tap_ok(share_used(&share, T0) == all, "each nanosecond once");
	tap_ok(atomic_load(&share.due) == far + all, "and charged");
	tap_ok(share.coming == 0 && backwards == 0, "nothing left over");
	share_fini(&share);
	atomic_store(&ahead, true);
	tap_ok(race(), "clocks ahead");
	tap_ok(share_used(&share, T0) >= all, "nothing lost");
	tap_ok(atomic_load(&share.due) - far == share_used(&share, T0),
		"what was used was charged");
	tap_ok(share.coming == 0 && backwards == 0, "nothing left over");
	share_fini(&share);
	return tap_plan();
}
