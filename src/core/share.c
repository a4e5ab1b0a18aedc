/*
 * A tenant's share of the processors: see share.h. Trusted side.
 *
 * The bucket is one number, the time at which it would be full if nothing more
 * were taken: a run of n nanoseconds moves it on by n * 100 / percent. There is
 * something in it as long as that is less than a period ahead.
 *
 * A run's time is charged piece by piece: whoever moves its cell on from one
 * time to a later one charges what is between. The worker does at the end, and
 * whoever wants to know what is left before that; so nobody has to look at runs
 * that nobody waits for, and no nanosecond counts twice.
 */
#include "core/share.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum {
	MEAN_WEIGHT = 8 /* one run is that part of the mean */
};

#define MEAN_FIRST_NS CLOCK_MS

int share_init(struct share *s, uint32_t percent, unsigned n_workers)
{
	size_t size = n_workers * sizeof(*s->cells);

	CHECK(percent <= SHARE_PERCENT_MAX && n_workers > 0);
	memset(s, 0, sizeof(*s));
	s->percent = percent;
	s->n_workers = n_workers;
	s->mean = MEAN_FIRST_NS;
	s->cells = aligned_alloc(_Alignof(struct share_cell), size);
	if (!s->cells)
		return -ENOMEM;
	memset(s->cells, 0, size);
	return 0;
}

void share_fini(struct share *s)
{
	free(s->cells);
	s->cells = NULL;
}

/* So long does it take to fill in ns. To the nearest: short runs are many. */
static uint64_t share_refill(const struct share *s, uint64_t ns)
{
	return (ns * 100 + s->percent / 2) / s->percent;
}

static void share_charge(
	struct share *s, struct share_cell *cell, uint64_t since, uint64_t ns)
{
	uint64_t due, next;

	atomic_fetch_add_explicit(&cell->used, ns, memory_order_relaxed);
	if (s->percent == 0)
		return;
	due = atomic_load_explicit(&s->due, memory_order_relaxed);
	do {
		/* Full when it began: it was not filled any further. */
		next = (due > since ? due : since) + share_refill(s, ns);
	} while (!atomic_compare_exchange_weak_explicit(&s->due, &due, next,
		memory_order_relaxed, memory_order_relaxed));
}

/* Charges for what the cell's run has taken up to `now`, then it is at `next`.
 */
static void share_move(
	struct share *s, struct share_cell *cell, uint64_t now, uint64_t next)
{
	uint64_t since = atomic_load(&cell->since);

	do {
		/* None, or charged further by somebody with a later clock. */
		if (since == 0 || (next != 0 && since >= now))
			return;
	} while (!atomic_compare_exchange_weak(&cell->since, &since, next));
	if (now > since)
		share_charge(s, cell, since, now - since);
}

static void share_look(struct share *s, uint64_t now)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		share_move(s, &s->cells[i], now, now);
}

uint64_t share_wait(struct share *s, uint64_t now)
{
	uint64_t due, coming;

	if (s->percent == 0)
		return 0;
	share_look(s, now);
	due = atomic_load_explicit(&s->due, memory_order_relaxed);
	coming = atomic_load_explicit(&s->coming, memory_order_relaxed);
	if (coming)
		due = (due > now ? due : now) +
		      share_refill(s, coming * atomic_load_explicit(&s->mean,
						       memory_order_relaxed));
	return due < now + SHARE_PERIOD_NS ? 0
					   : due - now - SHARE_PERIOD_NS + 1;
}

void share_admit(struct share *s)
{
	if (s->percent)
		atomic_fetch_add_explicit(&s->coming, 1, memory_order_relaxed);
}

void share_settle(struct share *s)
{
	if (s->percent)
		CHECK(atomic_fetch_sub_explicit(
			      &s->coming, 1, memory_order_relaxed) > 0);
}

void share_begin(struct share *s, unsigned worker, uint64_t begin)
{
	CHECK(worker < s->n_workers && begin > 0);
	atomic_store(&s->cells[worker].since, begin);
}

void share_end(struct share *s, unsigned worker, uint64_t begin, uint64_t end)
{
	uint64_t mean = atomic_load_explicit(&s->mean, memory_order_relaxed);
	uint64_t ns = end > begin ? end - begin : 0;

	CHECK(worker < s->n_workers);
	share_move(s, &s->cells[worker], end, 0);
	/* An estimate: one of two at once may be lost. */
	mean += ns / MEAN_WEIGHT - mean / MEAN_WEIGHT;
	atomic_store_explicit(&s->mean, mean, memory_order_relaxed);
}

uint64_t share_used(struct share *s, uint64_t now)
{
	uint64_t used = 0;

	share_look(s, now);
	for (unsigned i = 0; i < s->n_workers; i++)
		used += atomic_load_explicit(
			&s->cells[i].used, memory_order_relaxed);
	return used;
}
