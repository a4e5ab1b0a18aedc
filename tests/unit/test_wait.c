/* Waiting for a key: scripts on a real worker, see fake_host.h. There are no
 * keys here; but an isolate that has to be mapped comes from the keeper all the
 * same, and the worker is told to ask for few of them at once. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/runtime_core.h"
#include "fake_host.h"
#include "fake_hostile.h"
#include "util/clock.h"

enum {
	KEEP = -1,
	CALLS = 40,
};

#define SCRIPT(name, ...) HOST_SCRIPT(wait, name, __VA_ARGS__)

static struct call {
	struct invocation inv;
	unsigned done;
	unsigned order; /* in which they ended */
} calls[CALLS];
static unsigned n_done;

static const struct hostile_request echo = {.what = HOSTILE_ECHO},
				    trap = {.what = HOSTILE_TRAP};

static void called(struct invocation *inv)
{
	struct call *c = container_of(inv, struct call, inv);

	c->done++;
	c->order = ++n_done;
	bufpool_put(&inv->worker->pool, inv->reply);
}

static void begin_with(struct worker *w, unsigned i, struct function *fn,
	const struct hostile_request *what)
{
	calls[i] = (struct call){.inv = {.fn = fn,
					 .req = what,
					 .req_len = sizeof(*what),
					 .load_only = !what,
					 .done = called}};
	w->now = clock_now();
	invoke_start(w, &calls[i].inv);
	ahead_run(w);
}

static void begin(struct worker *w, unsigned i, struct function *fn)
{
	begin_with(w, i, fn, &echo);
}

static void turn_until(struct worker *w, unsigned n)
{
	uint64_t until = clock_now() + 5 * CLOCK_S;

	while (n_done < n && clock_now() < until)
		host_turn(w);
	EXPECT(n_done == n);
}

static enum outcome outcome(unsigned i)
{
	EXPECT(calls[i].done == 1);
	return calls[i].inv.outcome;
}

static void ask_for(struct worker *w, unsigned most)
{
	w->core->keys.most = most;
}

static struct function *nth(unsigned i, int64_t ttl_ns)
{
	return host_function((char[]){(char)('a' + i), 0}, "xx", ttl_ns);
}

static void all_good(struct worker *w, unsigned n)
{
	turn_until(w, n);
	for (unsigned i = 0; i < n; i++)
		EXPECT(outcome(i) == OUTCOME_OK);
	EXPECT(w->core->keys.n == 0 && w->core->keys.out == 0);
	EXPECT(list_empty(&w->core->keys.turns));
}

/* Order. ------------------------------------------------------------------- */

SCRIPT(few_ask_at_once)
{
	ask_for(w, 2);
	for (unsigned i = 0; i < 8; i++)
		begin(w, i, nth(i, KEEP));
	EXPECT(w->core->keys.out == 2 && w->core->keys.n == 6);
	/* Who waits holds nothing. */
	for (unsigned i = 0; i < 8; i++)
		EXPECT((calls[i].inv.isolate != NULL) == (i < 2));
	all_good(w, 8);
	for (unsigned i = 0; i < 8; i++)
		EXPECT(calls[i].order == i + 1);
	EXPECT(w->core->key_waits == 6);
	EXPECT(w->core->key_wait_ns > 0);
}

SCRIPT(calls_of_a_function_share_what_is_on_its_way)
{
	struct function *fn = nth(0, KEEP);

	ask_for(w, 4);
	for (unsigned i = 0; i < 8; i++)
		begin(w, i, fn);
	EXPECT(w->core->keys.out == 1 && w->core->keys.n == 7);
	all_good(w, 8);
	for (unsigned i = 0; i < 8; i++)
		EXPECT(calls[i].order == i + 1);
	EXPECT(atomic_load(&fn->stats.cold_starts) == 1);
	EXPECT(!calls[7].inv.cold);
}

/* One function's many calls do not hold up another's one. */
SCRIPT(a_row_has_an_end, .queue = CALLS)
{
	struct function *often = nth(0, KEEP), *once = nth(1, KEEP);

	ask_for(w, 1);
	for (unsigned i = 0; i < CALLS - 1; i++)
		begin(w, i, often);
	begin(w, CALLS - 1, once);
	all_good(w, CALLS);
	EXPECT(calls[CALLS - 1].order <= KEYLINE_ROW + 2);
	for (unsigned i = 1; i < CALLS - 1; i++)
		EXPECT(calls[i].order > calls[i - 1].order);
}

SCRIPT(run_once_shares_nothing)
{
	struct function *fn = nth(0, 0);

	ask_for(w, 4);
	for (unsigned i = 0; i < 8; i++)
		begin(w, i, fn);
	EXPECT(w->core->keys.out == 4);
	all_good(w, 8);
	EXPECT(atomic_load(&fn->stats.cold_starts) == 8);
}

SCRIPT(loads_stand_in_line)
{
	struct function *fn[3] = {nth(0, KEEP), nth(1, KEEP), nth(2, KEEP)};

	ask_for(w, 1);
	begin(w, 0, fn[0]);
	fn[1]->code[0] = fn[2]->code[0] = HOSTILE_READY;
	begin_with(w, 1, fn[1], NULL);
	begin_with(w, 2, fn[2], NULL);
	/* Of the same function as a load: on the isolate that it leaves. */
	begin(w, 3, fn[1]);
	EXPECT(w->core->keys.out == 1 && w->core->keys.n == 3);
	all_good(w, 4);
	EXPECT(atomic_load(&fn[1]->stats.cold_starts) == 0);
}

SCRIPT(who_dies_leaves_the_others_their_turn)
{
	struct function *fn = nth(0, KEEP);

	ask_for(w, 1);
	for (unsigned i = 0; i < 6; i++)
		begin_with(w, i, fn, i % 2 ? &echo : &trap);
	turn_until(w, 6);
	for (unsigned i = 0; i < 6; i++) {
		EXPECT(outcome(i) == (i % 2 ? OUTCOME_OK : OUTCOME_CRASHED));
		EXPECT(calls[i].order == i + 1);
	}
	EXPECT(w->core->keys.n == 0 && w->core->keys.out == 0);
}

SCRIPT(isolates_are_short_as_well, .isolates = 1)
{
	ask_for(w, 1);
	for (unsigned i = 0; i < 12; i++)
		begin(w, i, nth(i, i % 2 ? KEEP : 0));
	all_good(w, 12);
}

SCRIPT(what_is_refused_gives_its_place_back, .isolates = 1)
{
	struct isolate *iso;
	char *base;

	ask_for(w, 1);
	while (!(iso = pool_take_empty(&w->core->pool, 1 << 20)))
		host_turn(w);
	base = iso->base;
	iso->mapped = 0;
	/* As a bind that the system refuses. */
	iso->base = (char *)1;
	pool_return(&w->core->pool, iso);
	begin(w, 0, nth(0, KEEP));
	begin(w, 1, nth(1, KEEP));
	turn_until(w, 1);
	iso->base = base;
	EXPECT(outcome(0) == OUTCOME_NO_ISOLATE);
	turn_until(w, 2);
	EXPECT(outcome(1) == OUTCOME_OK);
}

/* Limits. ------------------------------------------------------------------ */

/* As if others of this worker had what may be asked for. */
static void all_out(struct worker *w, struct function *other)
{
	ask_for(w, 1);
	keyline_out(&w->core->keys, &other->local[0].keys, false);
}

static void one_back(struct worker *w, struct function *other)
{
	function_get(other);
	invoke_key_back(w, other, false);
	invoke_key_ran(w, other);
	function_put(other);
}

SCRIPT(queue_full, .queue = 2)
{
	struct function *other = nth(9, KEEP);

	all_out(w, other);
	for (unsigned i = 0; i < 4; i++)
		begin(w, i, nth(i / 2, KEEP));
	EXPECT(!calls[0].done && !calls[1].done);
	EXPECT(outcome(2) == OUTCOME_QUEUE_FULL);
	EXPECT(outcome(3) == OUTCOME_QUEUE_FULL);
	EXPECT(calls[2].inv.met == BUDGET_QUEUE);
	one_back(w, other);
	turn_until(w, 4);
	EXPECT(outcome(0) == OUTCOME_OK && outcome(1) == OUTCOME_OK);
}

SCRIPT(queue_wait, .wait_ns = 30 * CLOCK_MS)
{
	struct function *other = nth(9, KEEP);

	all_out(w, other);
	begin(w, 0, nth(0, KEEP));
	begin(w, 1, nth(1, KEEP));
	EXPECT(worker_poll(w) <= calls[0].inv.begin_ns + 30 * CLOCK_MS);
	turn_until(w, 2);
	for (unsigned i = 0; i < 2; i++) {
		EXPECT(outcome(i) == OUTCOME_QUEUE_WAIT);
		EXPECT(calls[i].inv.met == BUDGET_QUEUE_WAIT);
		EXPECT(calls[i].inv.end_ns >=
			calls[i].inv.begin_ns + 30 * CLOCK_MS);
		EXPECT(calls[i].inv.run_begin_ns == 0);
	}
	EXPECT(w->core->keys.n == 0);
	one_back(w, other);
	begin(w, 2, nth(2, KEEP));
	turn_until(w, 3);
	EXPECT(outcome(2) == OUTCOME_OK);
}

/* What waits when the drain begins is finished. */
SCRIPT(drained)
{
	ask_for(w, 1);
	for (unsigned i = 0; i < 8; i++)
		begin(w, i, nth(i, KEEP));
	runtime_stop(w->rt);
	all_good(w, 8);
}

/* One version waits when it is replaced: it is finished, and nothing is kept.
 */
SCRIPT(replaced_meanwhile)
{
	struct function *fn = nth(0, KEEP), *other = nth(9, KEEP);

	all_out(w, other);
	for (unsigned i = 0; i < 4; i++)
		begin(w, i, fn);
	atomic_store(&fn->retired, true);
	pool_purge(w, fn);
	one_back(w, other);
	all_good(w, 4);
	EXPECT(atomic_load(&fn->stats.idle) == 0);
}

SCRIPT(concurrency_counts_those_in_line)
{
	struct function *fn = nth(0, KEEP), *other = nth(9, KEEP);

	all_out(w, other);
	host_limit(fn, 2, 0);
	for (unsigned i = 0; i < 4; i++)
		begin(w, i, fn);
	EXPECT(w->core->keys.n == 2);
	EXPECT(atomic_load(&w->core->n_blocked) == 2);
	one_back(w, other);
	all_good(w, 4);
	for (unsigned i = 0; i < 4; i++)
		EXPECT(calls[i].order == i + 1);
}
