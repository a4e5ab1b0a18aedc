/* Limits of functions, tenants and the daemon, on a real worker; see
 * fake_host.h. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/keeper.h"
#include "core/limiter.h"
#include "core/runtime_core.h"
#include "fake_host.h"
#include "fake_hostile.h"
#include "util/clock.h"

enum {
	CALLS = 8,
	MIB = 1 << 20,
};

#define SCRIPT(name, ...) HOST_SCRIPT(limiter, name, __VA_ARGS__)

static struct call {
	struct invocation inv;
	unsigned done;
	unsigned order;
} calls[CALLS];
static unsigned n_done, at_once, most_at_once;

static const struct hostile_request echo = {.what = HOSTILE_ECHO};

static void called(struct invocation *inv)
{
	struct call *c = container_of(inv, struct call, inv);

	c->done++;
	c->order = ++n_done;
	at_once--;
	bufpool_put(&inv->worker->pool, inv->reply);
}

/* In line: it has passed its function's limits, no more. */
static void come(struct worker *w, unsigned i, struct function *fn)
{
	calls[i] = (struct call){.inv = {.fn = fn,
					 .req = &echo,
					 .req_len = sizeof(echo),
					 .done = called}};
	w->now = clock_now();
	at_once++;
	invoke_start(w, &calls[i].inv);
}

static void begin(struct worker *w, unsigned i, struct function *fn)
{
	come(w, i, fn);
	ahead_run(w);
}

static void turn_until(struct worker *w, unsigned n)
{
	uint64_t until = clock_now() + CLOCK_S;

	while (n_done < n && clock_now() < until) {
		host_turn(w);
		unsigned busy = 0;

		for (unsigned i = 0; i < CALLS; i++)
			busy += calls[i].inv.admitted;
		if (busy > most_at_once)
			most_at_once = busy;
	}
	EXPECT(n_done == n);
}

static enum outcome outcome(unsigned i)
{
	EXPECT(calls[i].done == 1);
	return calls[i].inv.outcome;
}

static uint64_t limited(struct worker *w, enum budget what)
{
	return metrics_sum(&w->metrics, 1, METRIC_LIMITED, what);
}

/* Nothing is left over of all that was counted. */
static void all_even(struct worker *w, struct function *fn)
{
	EXPECT(atomic_load(&fn->concurrency.used) == 0);
	EXPECT(atomic_load(&fn->concurrency.waiting) == 0);
	EXPECT(w->core->n_turns == 0 && list_empty(&w->core->turns));
	EXPECT(atomic_load(&w->core->n_blocked) == 0);
	EXPECT(atomic_load(&w->rt->core->starving) == 0);
	EXPECT(metrics_sum(&w->metrics, 1, METRIC_QUEUE_DEPTH, 0) == 0);
	if (fn->opt.owner)
		EXPECT(atomic_load(&fn->opt.owner->concurrency.used) == 0);
}

/* Concurrency. ------------------------------------------------------------- */

SCRIPT(so_many_at_once_in_their_order)
{
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);

	host_limit(fn, 2, 0);
	for (unsigned i = 0; i < CALLS; i++)
		begin(w, i, fn);
	EXPECT(atomic_load(&fn->concurrency.used) <= 2);
	EXPECT(atomic_load(&fn->concurrency.waiting) == CALLS - 2);
	turn_until(w, CALLS);
	for (unsigned i = 0; i < CALLS; i++) {
		EXPECT(outcome(i) == OUTCOME_OK);
		/* The first two start cold, which takes as long as it takes. */
		EXPECT(i < 3 || calls[i].order > calls[i - 1].order);
	}
	EXPECT(most_at_once <= 2);
	/* No more isolates than may run. */
	EXPECT(atomic_load(&fn->stats.cold_starts) <= 2);
	all_even(w, fn);
}

SCRIPT(no_limit_counts_nothing)
{
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);

	for (unsigned i = 0; i < CALLS; i++)
		begin(w, i, fn);
	turn_until(w, CALLS);
	for (unsigned i = 0; i < CALLS; i++)
		EXPECT(outcome(i) == OUTCOME_OK && !calls[i].inv.admitted);
	all_even(w, fn);
}

SCRIPT(queue_of_one_function_is_bounded, .queue = 2)
{
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);
	struct function *other = host_function("g", "xx", 60 * CLOCK_S);

	host_limit(fn, 1, 0);
	host_limit(other, 1, 0);
	EXPECT(quota_take(&fn->concurrency, 1));
	for (unsigned i = 0; i < 4; i++)
		begin(w, i, fn);
	for (unsigned i = 2; i < 4; i++) {
		EXPECT(outcome(i) == OUTCOME_CONCURRENCY);
		EXPECT(calls[i].inv.met == BUDGET_FUNCTION_CONCURRENCY);
		EXPECT(calls[i].inv.run_begin_ns == 0);
	}
	EXPECT(limited(w, BUDGET_FUNCTION_CONCURRENCY) == 2);
	/* Another's queue is its own. */
	begin(w, 4, other);
	begin(w, 5, other);
	turn_until(w, 4);
	EXPECT(outcome(4) == OUTCOME_OK && outcome(5) == OUTCOME_OK);
	EXPECT(!calls[0].done && !calls[1].done);
	/* Given back elsewhere: the keeper tells. */
	EXPECT(quota_give(&fn->concurrency, 1));
	atomic_store(&w->rt->core->tell, true);
	keeper_wake(w->rt->keeper);
	turn_until(w, 6);
	EXPECT(outcome(0) == OUTCOME_OK && outcome(1) == OUTCOME_OK);
	all_even(w, fn);
}

SCRIPT(waits_no_longer_than_the_limit, .wait_ns = 30 * CLOCK_MS)
{
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);

	host_limit(fn, 1, 0);
	EXPECT(quota_take(&fn->concurrency, 1));
	begin(w, 0, fn);
	EXPECT(worker_poll(w) <= calls[0].inv.begin_ns + 30 * CLOCK_MS);
	begin(w, 1, fn);
	turn_until(w, 2);
	for (unsigned i = 0; i < 2; i++) {
		EXPECT(outcome(i) == OUTCOME_CONCURRENCY);
		EXPECT(calls[i].inv.end_ns >=
			calls[i].inv.begin_ns + 30 * CLOCK_MS);
	}
	EXPECT(!quota_give(&fn->concurrency, 1));
	begin(w, 2, fn);
	turn_until(w, 3);
	EXPECT(outcome(2) == OUTCOME_OK);
	all_even(w, fn);
}

/* A tenant at its limit; one without goes past it. */
SCRIPT(a_tenant_at_its_limit_holds_up_nobody_else, .tenant_calls = 1)
{
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);
	struct function *too = host_function("g", "xx", 60 * CLOCK_S);
	struct function *theirs = host_function("h", "xx", 60 * CLOCK_S);
	struct quota *q = &fn->opt.owner->concurrency;

	EXPECT(fn->limited && fn->opt.owner == too->opt.owner);
	theirs->opt.owner = NULL;
	theirs->limited = false;
	EXPECT(quota_take(q, 1));
	begin(w, 0, fn);
	begin(w, 1, too);
	begin(w, 2, theirs);
	turn_until(w, 1);
	EXPECT(outcome(2) == OUTCOME_OK);
	EXPECT(!calls[0].done && !calls[1].done);
	EXPECT(quota_give(q, 1));
	w->core->look = true;
	turn_until(w, 3);
	EXPECT(outcome(0) == OUTCOME_OK && outcome(1) == OUTCOME_OK);
	all_even(w, fn);
	all_even(w, too);
}

SCRIPT(a_function_at_its_limit_does_not_hold_up_its_tenant, .tenant_calls = 4)
{
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);
	struct function *too = host_function("g", "xx", 60 * CLOCK_S);

	host_limit(fn, 1, 0);
	EXPECT(quota_take(&fn->concurrency, 1));
	begin(w, 0, fn);
	begin(w, 1, too);
	turn_until(w, 1);
	EXPECT(outcome(1) == OUTCOME_OK && !calls[0].done);
	EXPECT(quota_give(&fn->concurrency, 1));
	w->core->look = true;
	turn_until(w, 2);
	all_even(w, fn);
}

/* Rate. -------------------------------------------------------------------- */

SCRIPT(over_the_rate_is_refused_at_once)
{
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);
	unsigned ok = 0;

	host_limit(fn, 0, 3);
	for (unsigned i = 0; i < CALLS; i++)
		begin(w, i, fn);
	turn_until(w, CALLS);
	for (unsigned i = 0; i < CALLS; i++) {
		ok += outcome(i) == OUTCOME_OK;
		if (i < 3)
			continue;
		EXPECT(outcome(i) == OUTCOME_RATE);
		EXPECT(calls[i].inv.met == BUDGET_FUNCTION_RATE);
		EXPECT(calls[i].inv.retry_ns > 0);
		EXPECT(calls[i].inv.retry_ns <= CLOCK_S / 3);
	}
	EXPECT(ok == 3);
	EXPECT(limited(w, BUDGET_FUNCTION_RATE) == CALLS - 3);
	all_even(w, fn);
}

/* Memory: an isolate of these functions counts 2 MiB. -----------------------
 */

SCRIPT(idle_ones_of_the_tenant_make_room, .tenant_mb = 4)
{
	struct function *fn[4];
	struct quota *q;

	for (unsigned i = 0; i < 4; i++)
		fn[i] = host_function((char[]){(char)('a' + i), 0}, "xx", -1);
	q = &fn[0]->opt.owner->memory;
	for (unsigned i = 0; i < 4; i++) {
		begin(w, i, fn[i]);
		turn_until(w, i + 1);
		EXPECT(outcome(i) == OUTCOME_OK);
		EXPECT(atomic_load(&q->used) <= 4 * MIB);
	}
	EXPECT(atomic_load(&q->used) == 4 * MIB);
	/* The coldest went. */
	EXPECT(atomic_load(&fn[0]->stats.idle) == 0);
	EXPECT(atomic_load(&fn[3]->stats.idle) == 1);
	EXPECT(limited(w, BUDGET_TENANT_MEMORY) == 0);
	all_even(w, fn[0]);
}

SCRIPT(more_at_once_than_the_memory_has_room_for, .tenant_mb = 4)
{
	struct function *fn = host_function("f", "xx", -1);
	struct function *too = host_function("g", "xx", -1);

	for (unsigned i = 0; i < CALLS; i++)
		begin(w, i, i % 2 ? fn : too);
	turn_until(w, CALLS);
	for (unsigned i = 0; i < CALLS; i++)
		EXPECT(outcome(i) == OUTCOME_OK);
	EXPECT(atomic_load(&fn->opt.owner->memory.used) <= 4 * MIB);
	all_even(w, fn);
	all_even(w, too);
}

SCRIPT(no_memory_comes_free, .memory = 4 * MIB, .wait_ns = 30 * CLOCK_MS)
{
	struct function *fn = host_function("f", "xx", -1);
	struct quota *q = &w->rt->core->memory;

	EXPECT(quota_take(q, 3 * MIB));
	begin(w, 0, fn);
	turn_until(w, 1);
	EXPECT(outcome(0) == OUTCOME_NO_ISOLATE);
	EXPECT(calls[0].inv.met == BUDGET_TOTAL_MEMORY);
	EXPECT(limited(w, BUDGET_TOTAL_MEMORY) == 1);
	EXPECT(!quota_give(q, 3 * MIB));
	begin(w, 1, fn);
	turn_until(w, 2);
	EXPECT(outcome(1) == OUTCOME_OK);
	EXPECT(atomic_load(&q->used) == 2 * MIB);
	/* And is counted until the system has it back. */
	pool_purge(w, fn);
	while (w->core->pool.n_out > 0)
		host_turn(w);
	EXPECT(atomic_load(&q->used) == 0);
	all_even(w, fn);
}

SCRIPT(never_enough_memory_is_refused_at_once, .tenant_mb = 1)
{
	struct function *fn = host_function("f", "xx", -1);

	begin(w, 0, fn);
	EXPECT(outcome(0) == OUTCOME_NO_ISOLATE);
	EXPECT(calls[0].inv.met == BUDGET_TENANT_MEMORY);
	all_even(w, fn);
}

/* The first has the place that the second waits for, and meets a limit only
 * when its turn comes. */
SCRIPT(who_has_a_place_waits_in_front, .memory = 4 * MIB)
{
	struct function *fn = host_function("f", "xx", -1);
	struct quota *q = &w->rt->core->memory;

	host_limit(fn, 1, 0);
	EXPECT(quota_take(q, 4 * MIB));
	for (unsigned i = 0; i < 3; i++)
		come(w, i, fn);
	ahead_run(w);
	EXPECT(n_done == 0 && calls[0].inv.admitted);
	EXPECT(quota_give(q, 4 * MIB));
	w->core->look = true;
	turn_until(w, 3);
	for (unsigned i = 0; i < 3; i++)
		EXPECT(outcome(i) == OUTCOME_OK && calls[i].order == i + 1);
	all_even(w, fn);
}

/* Nor does one that waits again give the next its turn: a worker with nothing
 * but those sleeps. */
SCRIPT(memory_is_waited_for_asleep, .memory = 4 * MIB)
{
	struct function *fn = host_function("f", "xx", -1);
	struct quota *q = &w->rt->core->memory;

	EXPECT(quota_take(q, 4 * MIB));
	for (unsigned i = 0; i < 3; i++)
		begin(w, i, fn);
	w->core->look = true;
	host_turn(w);
	EXPECT(n_done == 0 && worker_poll(w) > w->now);
	EXPECT(quota_give(q, 4 * MIB));
	w->core->look = true;
	turn_until(w, 3);
	all_even(w, fn);
}

/* It runs late in a turn of the loop, on an isolate that was ready. That turn
 * may be the last one before a sleep, which has to end in time. */
SCRIPT(what_ran_after_a_wait_is_reaped_when_due, .memory = 64 * MIB)
{
	struct function *fn = host_function("f", "xx", 50 * CLOCK_MS);
	struct quota *q = &w->rt->core->memory;
	uint64_t next = 0;

	fn->opt.memory_bytes = ARENA_COMMON_BYTES;
	for (uint64_t until = clock_now() + CLOCK_S;
		w->core->pool.n_out > 0 && clock_now() < until;)
		host_turn(w);
	EXPECT(!list_empty(&w->core->pool.ready));
	EXPECT(quota_take(q, 64 * MIB));
	begin(w, 0, fn);
	EXPECT(n_done == 0);
	EXPECT(quota_give(q, 64 * MIB));
	w->core->look = true;
	next = worker_poll(w);
	EXPECT(outcome(0) == OUTCOME_OK);
	EXPECT(next <= calls[0].inv.end_ns + 50 * CLOCK_MS);
}

/* Shares of the processors. ------------------------------------------------ */

static struct share *share_of(const struct function *fn)
{
	return &fn->opt.owner->share;
}

/* As if the tenant had run for that long, until now. */
static uint64_t used_up(struct function *fn, uint64_t ns)
{
	uint64_t now = clock_now();

	share_begin(share_of(fn), 0, now - ns);
	share_end(share_of(fn), 0, now - ns, now);
	return now;
}

static void share_even(struct worker *w, struct function *fn)
{
	EXPECT(atomic_load(&share_of(fn)->coming) == 0);
	EXPECT(atomic_load(&fn->opt.owner->cpu.waiting) == 0);
	all_even(w, fn);
}

SCRIPT(a_share_used_up_is_waited_for, .tenant_percent = 50)
{
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);
	struct function *too = host_function("g", "xx", 60 * CLOCK_S);
	struct function *theirs = host_function("h", "xx", 60 * CLOCK_S);
	uint64_t now = used_up(fn, 200 * CLOCK_MS), next;

	EXPECT(fn->limited);
	theirs->opt.owner = NULL;
	theirs->limited = false;
	begin(w, 0, fn);
	begin(w, 1, too);
	begin(w, 2, fn);
	begin(w, 3, theirs);
	turn_until(w, 1);
	EXPECT(outcome(3) == OUTCOME_OK);
	/* 200 ms take 400, 200 have passed, 100 may be ahead. */
	w->now = clock_now();
	next = worker_poll(w);
	EXPECT(next > w->now && next <= now + 101 * CLOCK_MS);
	turn_until(w, 4);
	for (unsigned i = 0; i < 3; i++) {
		EXPECT(outcome(i) == OUTCOME_OK);
		EXPECT(calls[i].inv.run_begin_ns >= now + 100 * CLOCK_MS);
	}
	EXPECT(calls[2].order > calls[0].order);
	EXPECT(limited(w, BUDGET_TENANT_CPU) == 0);
	share_even(w, fn);
	share_even(w, too);
}

SCRIPT(a_share_is_waited_for_no_longer_than_allowed, .tenant_percent = 10,
	.wait_ns = 30 * CLOCK_MS, .queue = 2)
{
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);

	/* 20 s, 2 of them passed. */
	(void)used_up(fn, 2 * CLOCK_S);
	for (unsigned i = 0; i < 3; i++)
		begin(w, i, fn);
	/* As many as may wait do. */
	EXPECT(n_done == 1);
	turn_until(w, 3);
	for (unsigned i = 0; i < 3; i++) {
		EXPECT(outcome(i) == OUTCOME_CPU_SHARE);
		EXPECT(calls[i].inv.met == BUDGET_TENANT_CPU);
		EXPECT(calls[i].inv.run_begin_ns == 0);
		EXPECT(calls[i].inv.retry_ns > 15 * CLOCK_S);
		EXPECT(calls[i].inv.retry_ns < 18 * CLOCK_S);
	}
	EXPECT(limited(w, BUDGET_TENANT_CPU) == 3);
	share_even(w, fn);
}

SCRIPT(runs_are_charged_however_they_end, .tenant_percent = 50)
{
	static const struct hostile_request spin = {.what = HOSTILE_SPIN};
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);
	struct host_reply r;
	uint64_t begun = clock_now(), used;

	r = host_call(w, fn, &spin, sizeof(spin), 150 * CLOCK_MS);
	EXPECT(r.outcome == OUTCOME_TIMEOUT);
	used = share_used(share_of(fn), clock_now());
	EXPECT(used >= 150 * CLOCK_MS && used == r.run_ns);
	begin(w, 0, fn);
	turn_until(w, 1);
	EXPECT(outcome(0) == OUTCOME_OK);
	EXPECT(calls[0].inv.run_begin_ns >= begun + 200 * CLOCK_MS);
	/* A load does not wait, but it counts. */
	used = share_used(share_of(fn), clock_now());
	(void)used_up(fn, 10 * CLOCK_S);
	fn->code[0] = HOSTILE_READY;
	r = host_load(w, fn);
	EXPECT(r.outcome == OUTCOME_OK && r.run_ns > 0);
	EXPECT(share_used(share_of(fn), clock_now()) ==
		used + 10 * CLOCK_S + r.run_ns);
	share_even(w, fn);
}

/* Admitted, but there was nothing to run it on. */
SCRIPT(what_never_ran_leaves_nothing_behind, .tenant_percent = 50,
	.tenant_mb = 1)
{
	struct function *fn = host_function("f", "xx", -1);

	begin(w, 0, fn);
	EXPECT(outcome(0) == OUTCOME_NO_ISOLATE);
	EXPECT(share_used(share_of(fn), clock_now()) == 0);
	share_even(w, fn);
}

SCRIPT(a_tenant_without_a_share_is_counted, .tenant_calls = 4)
{
	struct function *fn = host_function("f", "xx", 60 * CLOCK_S);

	for (unsigned i = 0; i < CALLS; i++)
		begin(w, i, fn);
	turn_until(w, CALLS);
	EXPECT(share_used(share_of(fn), clock_now()) > 0);
	share_even(w, fn);
}
