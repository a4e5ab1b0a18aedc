/* A worker's isolates: stock, warm ones, timers. Neighbours are faked. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/program.h"
#include "fake_keeper.h"
#include "util/clock.h"

enum {
	COMMON = 40,
	BIG = 3
};
#define READY_BYTES ARENA_COMMON_BYTES

static struct pool *pool;
static struct arena arena;

static void start(size_t common, size_t big)
{
	const size_t count[ARENA_CLASSES] = {common, big};
	const size_t first[ARENA_CLASSES] = {0, 0};

	fake_keeper_start();
	pool = &fake_keeper.core.pool;
	cr_assert_eq(arena_init(&arena, count), 0);
	cr_assert_eq(
		pool_init(pool, &fake_keeper.worker, &arena, first, count), 0);
}

static struct isolate *take(size_t bytes)
{
	return pool_take_empty(pool, bytes);
}

/* As after a first answer. */
static struct isolate *warm(struct function *fn, uint64_t now)
{
	struct isolate *iso = take(1 << 20);

	cr_assert_not_null(iso);
	iso->fn = fn;
	iso->state = ISOLATE_BUSY;
	cr_assert(pool_keep(pool, iso, now));
	return iso;
}

/* Empty ones. -------------------------------------------------------------- */

Test(pool, hands_out_each_slot_once)
{
	struct isolate *seen[COMMON];

	start(COMMON, BIG);
	for (size_t i = 0; i < COMMON; i++) {
		seen[i] = take(1 << 20);
		cr_assert_not_null(seen[i]);
		cr_assert_eq(seen[i]->class, ARENA_COMMON);
		for (size_t j = 0; j < i; j++)
			cr_assert_neq(seen[i]->base, seen[j]->base);
	}
	cr_assert_null(take(1 << 20));
	for (size_t i = 0; i < BIG; i++)
		cr_assert_eq(take(READY_BYTES + 1)->class, ARENA_BIG);
	cr_assert_null(take(READY_BYTES + 1));
	seen[3]->state = ISOLATE_RAW;
	pool_return(pool, seen[3]);
	cr_assert_eq(take(1 << 20), seen[3]);
	pool_fini(pool);
	arena_fini(&arena);
}

Test(pool, refills_its_stock)
{
	start(COMMON, BIG);
	pool_refill(pool);
	cr_assert_eq(fake_keeper.n_errands, (size_t)POOL_READY_MAX);
	cr_assert_eq(pool->n_out, (unsigned)POOL_READY_MAX);
	pool_refill(pool);
	cr_assert_eq(fake_keeper.n_errands, (size_t)POOL_READY_MAX,
		"those under way count");
	for (size_t i = 0; i < POOL_READY_MAX; i++) {
		cr_assert_eq(fake_keeper.errand[i]->state, ISOLATE_PREPARING);
		cr_assert_eq(fake_keeper.errand[i]->want, READY_BYTES);
		fake_keeper_answer(i, 0);
	}
	cr_assert_eq(pool->n_out, 0u);
	cr_assert_eq(pool->n_ready, (unsigned)POOL_READY_MAX);
	cr_assert_eq(fake_keeper.waiting_calls, (unsigned)POOL_READY_MAX);
	cr_assert_eq(take(READY_BYTES)->state, ISOLATE_READY);
	cr_assert_eq(pool->n_ready, POOL_READY_MAX - 1u);
	pool_refill(pool);
	cr_assert_eq(fake_keeper.n_errands, POOL_READY_MAX + 1u);
}

Test(pool, another_size_leaves_the_stock_alone)
{
	start(COMMON, BIG);
	pool_refill(pool);
	for (size_t i = 0; i < POOL_READY_MAX; i++)
		fake_keeper_answer(i, 0);
	cr_assert_eq(take(1 << 20)->state, ISOLATE_RAW);
	cr_assert_eq(pool->n_ready, (unsigned)POOL_READY_MAX);
}

Test(pool, the_stock_serves_all_when_there_is_nothing_else)
{
	struct isolate *iso;

	start(2, BIG);
	pool_refill(pool);
	cr_assert_eq(fake_keeper.n_errands, 2u);
	cr_assert_null(take(1 << 20), "all are with the keeper");
	fake_keeper_answer(0, 0);
	fake_keeper_answer(1, 0);
	iso = take(1 << 20);
	cr_assert_eq(iso->state, ISOLATE_RAW);
	cr_assert_eq(iso->mapped, READY_BYTES);
	cr_assert_eq(pool->n_ready, 1u);
}

Test(pool, failed_preparation)
{
	start(4, BIG);
	pool_refill(pool);
	for (size_t i = 0; i < 4; i++)
		fake_keeper_answer(i, i % 2 ? -ENOMEM : 0);
	cr_assert_eq(pool->n_ready, 2u);
	cr_assert_eq(pool->n_out, 0u);
	for (int i = 0; i < 4; i++)
		cr_assert_not_null(take(READY_BYTES));
	cr_assert_eq(pool->n_ready, 0u);
	cr_assert_null(take(READY_BYTES));
}

Test(pool, surplus_goes_back_raw)
{
	struct isolate *iso;

	start(COMMON, BIG);
	pool_refill(pool);
	for (size_t i = 0; i < POOL_READY_MAX; i++)
		fake_keeper_answer(i, 0);
	iso = take(1 << 20);
	iso->mapped = READY_BYTES;
	iso->state = ISOLATE_READY;
	pool_return(pool, iso);
	cr_assert_eq(iso->state, ISOLATE_RAW);
	cr_assert_eq(pool->n_ready, (unsigned)POOL_READY_MAX);
}

/* Warm ones. --------------------------------------------------------------- */

Test(pool, the_last_used_is_taken_first)
{
	struct function *fn = NULL;
	struct isolate *a, *b;

	start(COMMON, BIG);
	fn = fake_function("f", 100, 1 << 20, "");
	a = warm(fn, 1);
	b = warm(fn, 2);
	cr_assert_eq(atomic_load(&fn->stats.idle), 2u);
	cr_assert_eq(pool_take_warm(&fake_keeper.worker, fn), b);
	cr_assert_eq(pool_take_warm(&fake_keeper.worker, fn), a);
	cr_assert_null(pool_take_warm(&fake_keeper.worker, fn));
	cr_assert_eq(atomic_load(&fn->stats.idle), 0u);
}

Test(pool, run_once_and_retired_are_not_kept)
{
	struct function *once, *gone;
	struct isolate *iso;

	start(COMMON, BIG);
	once = fake_function("once", 0, 1 << 20, "");
	gone = fake_function("gone", 100, 1 << 20, "");
	atomic_store(&gone->retired, true);
	iso = take(1 << 20);
	iso->fn = once;
	cr_assert_not(pool_keep(pool, iso, 1));
	iso->fn = gone;
	cr_assert_not(pool_keep(pool, iso, 1));
	cr_assert_eq(pool->n_heap, 0u);
	cr_assert_eq(atomic_load(&gone->stats.idle), 0u);
}

Test(pool, kept_for_ever)
{
	struct function *fn = NULL;
	struct isolate *iso;

	start(COMMON, BIG);
	fn = fake_function("f", -1, 1 << 20, "");
	iso = warm(fn, 1);
	cr_assert_eq(pool_reap(pool, UINT64_MAX - 1), UINT64_MAX);
	cr_assert_eq(fake_keeper.n_dropped, 0u);
	cr_assert_eq(pool_take_warm(&fake_keeper.worker, fn), iso);
	/* But for whoever needs the room. */
	iso->state = ISOLATE_BUSY;
	cr_assert_null(pool_oldest(pool, ARENA_COMMON));
	cr_assert(pool_keep(pool, iso, 2));
	cr_assert_eq(pool_oldest(pool, ARENA_COMMON), iso);
}

Test(pool, dropped_when_its_time_is_over)
{
	struct function *fn = NULL;
	struct isolate *iso;

	start(COMMON, BIG);
	fn = fake_function("f", 100, 1 << 20, "");
	iso = warm(fn, 50);
	cr_assert_eq(pool_reap(pool, 149), 150u);
	cr_assert_eq(fake_keeper.n_dropped, 0u);
	cr_assert_eq(pool_reap(pool, 150), UINT64_MAX);
	cr_assert_eq(fake_keeper.dropped[0], iso);
	cr_assert_eq(fake_keeper.why[0], METRIC_DESTROY_TTL);
	cr_assert_eq(iso->timer, 0u);
	cr_assert_null(pool_take_warm(&fake_keeper.worker, fn));
	cr_assert_eq(atomic_load(&fn->stats.idle), 0u);
}

Test(pool, a_call_in_between_prolongs)
{
	struct function *fn = NULL;
	struct isolate *iso;

	start(COMMON, BIG);
	fn = fake_function("f", 100, 1 << 20, "");
	iso = warm(fn, 0);
	cr_assert_eq(pool_take_warm(&fake_keeper.worker, fn), iso);
	iso->state = ISOLATE_BUSY;
	cr_assert(pool_keep(pool, iso, 70));
	cr_assert_eq(pool_reap(pool, 100), 170u);
	cr_assert_eq(fake_keeper.n_dropped, 0u);
	/* Busy at its time: not touched, and not looked at till it is idle. */
	cr_assert_eq(pool_take_warm(&fake_keeper.worker, fn), iso);
	iso->state = ISOLATE_BUSY;
	cr_assert_eq(pool_reap(pool, 500), UINT64_MAX);
	cr_assert_eq(fake_keeper.n_dropped, 0u);
	cr_assert(pool_keep(pool, iso, 500));
	cr_assert_eq(pool_reap(pool, 599), 600u);
	(void)pool_reap(pool, 600);
	cr_assert_eq(fake_keeper.n_dropped, 1u);
}

Test(pool, evicts_the_oldest_of_the_class)
{
	struct function *fn = NULL, *large = NULL;
	struct isolate *a, *big;

	start(COMMON, BIG);
	fn = fake_function("f", 100, 1 << 20, "");
	large = fake_function("l", 100, READY_BYTES + 1, "");
	cr_assert_null(pool_oldest(pool, ARENA_COMMON));
	big = take(READY_BYTES + 1);
	big->fn = large;
	cr_assert(pool_keep(pool, big, 1));
	a = warm(fn, 5);
	(void)warm(fn, 9);
	(void)warm(fn, 7);
	cr_assert_eq(pool_oldest(pool, ARENA_COMMON), a);
	cr_assert_eq(pool_oldest(pool, ARENA_BIG), big);
	pool_evict(a);
	cr_assert_eq(fake_keeper.dropped[0], a);
	cr_assert_eq(fake_keeper.why[0], METRIC_DESTROY_PRESSURE);
	cr_assert_eq(pool_oldest(pool, ARENA_COMMON)->last_used, 7u);
	cr_assert_eq(atomic_load(&fn->stats.idle), 2u);
}

/* Among many a few are drawn: cold ones, if not the coldest. */
Test(pool, evicts_cold_ones_of_many)
{
	enum {
		MANY = 20 * POOL_DRAW,
		COLD = MANY / 10,
		DROPS = 50
	};
	struct function *fn = NULL, *large = NULL;
	struct isolate *big;
	unsigned cold = 0;

	start(MANY, BIG);
	fn = fake_function("f", -1, 1 << 20, "");
	large = fake_function("l", -1, READY_BYTES + 1, "");
	for (uint64_t i = 0; i < MANY; i++)
		(void)warm(fn, 1 + (i * 7919) % MANY);
	big = take(READY_BYTES + 1);
	big->fn = large;
	cr_assert(pool_keep(pool, big, 2 * MANY));
	for (unsigned i = 0; i < DROPS; i++) {
		struct isolate *iso = pool_oldest(pool, ARENA_COMMON);

		cold += iso->last_used <= COLD + i;
		pool_evict(iso);
	}
	cr_assert_geq(cold, DROPS - 2, "%u of %u were cold", cold, DROPS);
	/* The only one of its kind is found, drawn or not. */
	cr_assert_eq(pool_oldest(pool, ARENA_BIG), big);
}

Test(pool, purge_takes_one_functions_alone)
{
	struct function *fn = NULL, *other = NULL;
	struct isolate *stays;

	start(COMMON, BIG);
	fn = fake_function("f", 100, 1 << 20, "");
	other = fake_function("g", 100, 1 << 20, "");
	for (uint64_t i = 0; i < 5; i++)
		(void)warm(fn, i);
	stays = warm(other, 9);
	pool_purge(&fake_keeper.worker, fn);
	cr_assert_eq(fake_keeper.n_dropped, 5u);
	for (size_t i = 0; i < 5; i++)
		cr_assert_eq(fake_keeper.why[i], METRIC_DESTROY_RETIRED);
	cr_assert_eq(pool->n_heap, 1u);
	cr_assert_eq(pool_take_warm(&fake_keeper.worker, other), stays);
	pool_purge(&fake_keeper.worker, fn);
	cr_assert_eq(fake_keeper.n_dropped, 5u);
}

/* Spares. ------------------------------------------------------------------ */

/* With a program as far as a pool can tell. */
static struct function *native(const char *name)
{
	static struct program program = {.span = ISOLATE_PAGE};
	struct function *fn = fake_function(name, 100, 2 << 20, "");

	fn->program = &program;
	return fn;
}

/* Not its first cold start. */
static void cold_before(struct function *fn)
{
	cr_assert(!pool_wants_spare(pool, fn));
}

/* As an invocation does. */
static void want_spare(struct function *fn)
{
	if (pool_wants_spare(pool, fn))
		pool_want_spare(pool, fn);
}

/* Asked for, and come. */
static struct isolate *spare(struct function *fn)
{
	size_t i = fake_keeper.n_errands;

	if (!fn->local[0].cold_until)
		cold_before(fn);
	want_spare(fn);
	cr_assert_eq(fake_keeper.n_errands, i + 1);
	cr_assert_eq(fake_keeper.errand[i]->program, fn->program);
	fake_keeper_answer(i, 0);
	return fake_keeper.errand[i];
}

Test(pool, a_spare_is_for_its_function)
{
	struct function *fn = NULL, *other = NULL;
	struct isolate *iso;

	start(COMMON, BIG);
	fn = native("f");
	other = native("g");
	want_spare(fake_function("lua", 100, 2 << 20, ""));
	cr_assert_eq(fake_keeper.n_errands, 0u);
	iso = spare(fn);
	/* One is enough. */
	want_spare(fn);
	cr_assert_eq(fake_keeper.n_errands, 1u);
	cr_assert_null(pool_take_spare(pool, other));
	cr_assert_eq(atomic_load(&fn->refs), 2u);
	cr_assert_eq(pool_take_spare(pool, fn), iso);
	cr_assert_eq(iso->state, ISOLATE_READY);
	cr_assert_null(pool_take_spare(pool, fn));
	cr_assert_eq(atomic_load(&fn->refs), 1u);
	cr_assert_eq(pool->n_heap, 0u);
	cr_assert_eq(pool->n_spares, 0u);
}

Test(pool, a_spare_on_its_way_is_not_asked_for_again)
{
	struct function *fn = NULL;

	start(COMMON, BIG);
	fn = native("f");
	cold_before(fn);
	want_spare(fn);
	want_spare(fn);
	cr_assert_eq(fake_keeper.n_errands, 1u);
	cr_assert_null(pool_take_spare(pool, fn));
	/* Its function went meanwhile. */
	fn->retired = true;
	fake_keeper_answer(0, 0);
	cr_assert_eq(fake_keeper.n_discarded, 1u);
	cr_assert_eq(atomic_load(&fn->refs), 1u);
	want_spare(fn);
	cr_assert_eq(fake_keeper.n_errands, 1u);
	/* Or there was no memory. */
	fn->retired = false;
	want_spare(fn);
	fake_keeper_answer(1, -ENOMEM);
	cr_assert_eq(fake_keeper.n_discarded, 2u);
	cr_assert_null(pool_take_spare(pool, fn));
	cr_assert_eq(pool->n_spares, 0u);
}

Test(pool, one_cold_start_now_and_then_wants_no_spare)
{
	const uint64_t apart = POOL_SPARE_MS * CLOCK_MS;
	struct function *fn = NULL;

	start(COMMON, BIG);
	fn = native("f");
	for (int i = 0; i < 3; i++, fake_keeper.worker.now += apart)
		want_spare(fn);
	cr_assert_eq(fake_keeper.n_errands, 0u);
	fake_keeper.worker.now -= 1;
	want_spare(fn);
	cr_assert_eq(fake_keeper.n_errands, 1u);
}

Test(pool, spares_end)
{
	const uint64_t end = POOL_SPARE_MS * CLOCK_MS;
	struct function *fn = NULL, *other = NULL;
	struct isolate *a, *b;

	start(COMMON, BIG);
	fn = native("f");
	other = native("g");
	a = spare(fn);
	cr_assert_eq(pool_reap(pool, end - 1), end);
	cr_assert_eq(fake_keeper.n_discarded, 0u);
	cr_assert_eq(pool_reap(pool, end), UINT64_MAX);
	cr_assert_eq(fake_keeper.discarded[0], a);
	/* With their function. */
	a = spare(fn);
	b = spare(other);
	pool_purge(&fake_keeper.worker, fn);
	cr_assert_eq(fake_keeper.discarded[1], a);
	/* To make room: the oldest first. */
	a = spare(fn);
	cr_assert(!pool_drop_spare(pool, ARENA_BIG));
	cr_assert(pool_drop_spare(pool, ARENA_COMMON));
	cr_assert_eq(fake_keeper.discarded[2], b);
	cr_assert(pool_drop_spare(pool, ARENA_COMMON));
	cr_assert_eq(fake_keeper.discarded[3], a);
	cr_assert(!pool_drop_spare(pool, ARENA_COMMON));
	cr_assert_eq(pool->n_spares, 0u);
	cr_assert_eq(atomic_load(&fn->refs), 1u);
}

Test(pool, so_many_spares_and_no_more)
{
	struct function *fn[POOL_SPARES_MAX + 2];
	char name[16];

	start(POOL_SPARES_MAX + 10, 0);
	for (size_t i = 0; i < POOL_SPARES_MAX + 2; i++) {
		(void)snprintf(name, sizeof(name), "f%zu", i);
		fn[i] = native(name);
	}
	for (size_t i = 0; i < POOL_SPARES_MAX; i++)
		(void)spare(fn[i]);
	/* The oldest goes, and the next one has its turn the next time. */
	cold_before(fn[POOL_SPARES_MAX]);
	want_spare(fn[POOL_SPARES_MAX]);
	cr_assert_eq(fake_keeper.n_discarded, 1u);
	cr_assert_null(pool_take_spare(pool, fn[0]));
	(void)spare(fn[POOL_SPARES_MAX]);
	cr_assert_eq(pool->n_spares, (unsigned)POOL_SPARES_MAX);
}

/* For somebody's memory: spares first, then the coldest; of the tenant. */
Test(pool, ends_idle_ones_of_a_tenant)
{
	static struct tenant acme, other;
	struct function *fn = NULL, *theirs = NULL, *prog = NULL;
	struct isolate *a, *b, *c, *s;

	start(COMMON, BIG);
	fn = fake_function("f", -1, 1 << 20, "x");
	theirs = fake_function("g", -1, 1 << 20, "x");
	prog = native("p");
	fn->opt.owner = prog->opt.owner = &acme;
	theirs->opt.owner = &other;
	a = warm(fn, 20);
	b = warm(fn, 10);
	c = warm(theirs, 1);
	s = spare(prog);
	cr_assert_eq(s->owner, &acme);
	cr_assert_eq(s->charged, prog->opt.memory_bytes);
	cr_assert_eq(pool_relieve(pool, &acme), s);
	cr_assert_eq(fake_keeper.discarded[0], s);
	cr_assert_eq(pool_relieve(pool, &acme), b);
	cr_assert_eq(pool_relieve(pool, &acme), a);
	cr_assert_null(pool_relieve(pool, &acme));
	cr_assert_eq(fake_keeper.why[1], METRIC_DESTROY_PRESSURE);
	cr_assert_eq(pool_relieve(pool, NULL), c);
	cr_assert_null(pool_relieve(pool, NULL));
}

Test(pool, no_spare_without_memory)
{
	static struct quota full;
	struct function *fn = NULL;

	start(1, 0);
	fn = native("f");
	fake_keeper.full = &full;
	want_spare(fn);
	cr_assert_eq(fake_keeper.n_errands, 0u);
	cr_assert_eq(atomic_load(&fn->refs), 1u);
	fake_keeper.full = NULL;
	want_spare(fn);
	cr_assert_eq(fake_keeper.n_errands, 1u, "the slot is still there");
}

/* The timers against a plain search. --------------------------------------- */

static void check_heap(void)
{
	for (size_t i = 1; i <= pool->n_heap; i++) {
		cr_assert_eq(pool->heap[i]->timer, i);
		cr_assert(i == 1 ||
			  pool->heap[i / 2]->expires <= pool->heap[i]->expires);
	}
	for (size_t i = 0; i < pool->count; i++) {
		size_t at = pool->all[i].timer;

		cr_assert(at <= pool->n_heap);
		cr_assert(at == 0 || pool->heap[at] == &pool->all[i]);
	}
}

/* What must have been dropped by now, and nothing else. */
static void check_idle(uint64_t now)
{
	for (size_t i = 0; i < pool->count; i++) {
		const struct isolate *iso = &pool->all[i];

		if (iso->state == ISOLATE_IDLE)
			cr_assert_gt(iso->last_used +
					     (uint64_t)iso->fn->opt.idle_ttl_ns,
				now);
	}
	for (size_t i = 0; i < fake_keeper.n_dropped; i++) {
		struct isolate *iso = fake_keeper.dropped[i];

		cr_assert_eq(iso->timer, 0u);
		iso->state = ISOLATE_RAW;
		pool_return(pool, iso);
	}
	fake_keeper.n_dropped = 0;
}

static void play(struct function **fns, size_t n, uint64_t now)
{
	struct function *fn = fns[(size_t)rand() % n];
	struct isolate *iso = pool_take_warm(&fake_keeper.worker, fn);

	if (!iso && (iso = take(1 << 20)))
		iso->fn = fn;
	if (!iso)
		return;
	iso->state = ISOLATE_BUSY;
	if (rand() % 5)
		cr_assert(pool_keep(pool, iso, now));
	else
		isolate_drop(iso, METRIC_DESTROY_FAULT);
}

Test(pool, random_timers)
{
	struct function *fns[6];
	uint64_t now = 1000;
	char name[2] = "a";

	start(COMMON, BIG);
	for (int i = 0; i < 6; i++, name[0]++)
		fns[i] = fake_function(name, 1 + i * 37, 1 << 20, "");
	srand(3);
	for (int step = 0; step < 200000; step++) {
		uint64_t next;

		now += (uint64_t)rand() % 12;
		play(fns, 6, now);
		next = pool_reap(pool, now);
		cr_assert_gt(next, now);
		check_heap();
		check_idle(now);
	}
}
