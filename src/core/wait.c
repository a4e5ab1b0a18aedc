/*
 * Invocations that wait: for an isolate, when all are in use, or for a key,
 * when theirs has none and the keeper was asked for as many as it should be at
 * once (keyline.h). Trusted side, on the worker.
 *
 * Whatever may have freed an isolate (a run that ended, an errand of the
 * keeper's) comes by invoke_waiting(). For a key an invocation waits without an
 * isolate; when its turn comes it takes what is there then. Both waits count
 * for limits.queue and limits.queue_wait_ms.
 *
 * Without hardware keys nobody waits for one: what an isolate asks the keeper
 * for is then memory, which takes nothing away from others.
 */
#include "base/check.h"
#include "core/limiter.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "util/clock.h"

static bool invoke_many_wait(const struct worker *w)
{
	return w->core->n_waiting + w->core->keys.n >= w->rt->opt.max_queue;
}

/* For an isolate. -----------------------------------------------------------
 */

/* Somebody waits: an idle isolate goes, unless one is on its way back. */
static void invoke_make_room(struct worker *w, enum arena_class class)
{
	struct pool *p = &w->core->pool;
	struct isolate *idle;

	if (p->n_out > 0 || pool_drop_spare(p, class))
		return;
	idle = pool_oldest(p, class);
	if (idle)
		pool_evict(idle);
}

static struct invocation *invoke_at(struct list *l)
{
	return container_of(l, struct invocation, link);
}

static void invoke_enqueue(
	struct worker *w, struct invocation *inv, struct list *after)
{
	/* It need not stand in line for a key as well. */
	inv->turn = true;
	list_insert(after, &inv->link);
	w->core->n_waiting++;
	metrics_inc(w->metrics, METRIC_QUEUE_DEPTH, 0);
}

/* Its place by age, for so they run out of time: few have waited for something
 * else before they came here. */
static struct list *invoke_place(struct list *all, const struct invocation *inv)
{
	struct list *at = all->prev;

	while (at != all && invoke_at(at)->begin_ns > inv->begin_ns)
		at = at->prev;
	return at;
}

/* Who needs no more than that an idle isolate ends is not refused, or it would
 * be for as long as others keep theirs, where limits.queue is 0. */
void invoke_queue(struct worker *w, struct invocation *inv)
{
	invoke_make_room(w, invoke_class(inv));
	if (invoke_many_wait(w) && w->core->n_waiting >= w->core->pool.n_out) {
		limiter_met(w, inv, BUDGET_QUEUE);
		invoke_fail(inv, OUTCOME_QUEUE_FULL,
			"all isolates are in use and the queue is full");
		return;
	}
	invoke_enqueue(w, inv,
		invoke_place(&w->core->waiting[invoke_class(inv)], inv));
}

static void invoke_unqueue(struct worker *w, struct invocation *inv)
{
	list_remove(&inv->link);
	w->core->n_waiting--;
	metrics_add(w->metrics, METRIC_QUEUE_DEPTH, 0, -1);
}

static struct invocation *invoke_next(struct worker *w, enum arena_class class)
{
	struct list *l = list_first(&w->core->waiting[class]);

	return l ? invoke_at(l) : NULL;
}

/* In their order. Those that queue while one of them runs have their turn the
 * next time, so that this one ends. */
static void invoke_serve(struct worker *w, enum arena_class class)
{
	struct invocation *inv;

	for (size_t n = w->core->n_waiting; n > 0; n--) {
		inv = invoke_next(w, class);
		/* Without a key an isolate is of no use. */
		if (!inv || keyline_full(&w->core->keys))
			return;
		invoke_unqueue(w, inv);
		if (invoke_warm(w, inv) || invoke_empty(w, inv))
			continue;
		if (inv->blocked) {
			limiter_wait(w, inv);
			continue;
		}
		invoke_enqueue(w, inv, &w->core->waiting[class]);
		invoke_make_room(w, class);
		return;
	}
}

static uint64_t expire_queued(struct worker *w)
{
	uint64_t wait = w->rt->opt.queue_wait_ns;
	uint64_t next = UINT64_MAX;

	for (enum arena_class c = 0; c < ARENA_CLASSES; c++) {
		struct invocation *inv;

		while ((inv = invoke_next(w, c)) &&
			w->now - inv->begin_ns >= wait) {
			invoke_unqueue(w, inv);
			limiter_met(w, inv, BUDGET_QUEUE_WAIT);
			invoke_fail(inv, OUTCOME_QUEUE_WAIT,
				"no isolate came free within the longest wait");
		}
		if (inv && inv->begin_ns + wait < next)
			next = inv->begin_ns + wait;
	}
	return next;
}

/* For a key. --------------------------------------------------------------- */

static struct invocation *invoke_of(struct keyline_call *c)
{
	return container_of(c, struct invocation, keys);
}

static struct keyline_fn *keys_of(struct worker *w, struct function *fn)
{
	return &fn->local[w->id].keys;
}

/* Who had its turn, but then no isolate, comes first. */
void invoke_want_key(struct worker *w, struct invocation *inv)
{
	if (!inv->turn && invoke_many_wait(w)) {
		limiter_met(w, inv, BUDGET_QUEUE);
		invoke_fail(inv, OUTCOME_QUEUE_FULL,
			"all keys are in use and the queue is full");
		return;
	}
	inv->want_ns = w->now;
	inv->keys.since = inv->begin_ns;
	keyline_wait(
		&w->core->keys, keys_of(w, inv->fn), &inv->keys, inv->turn);
	metrics_inc(w->metrics, METRIC_QUEUE_DEPTH, 0);
}

static void invoke_unwant_key(struct worker *w, struct invocation *inv)
{
	keyline_leave(&w->core->keys, keys_of(w, inv->fn), &inv->keys);
	inv->key_wait_ns += w->now > inv->want_ns ? w->now - inv->want_ns : 1;
	metrics_add(w->metrics, METRIC_QUEUE_DEPTH, 0, -1);
}

static void invoke_take_turn(struct worker *w, struct invocation *inv)
{
	invoke_unwant_key(w, inv);
	inv->turn = true;
	(void)invoke_again(w, inv);
}

/* fn's isolate has run and still has its key: others that wait for one run on
 * it. A load wants an isolate of its own. */
static void invoke_row(struct worker *w, struct function *fn)
{
	struct keyline_fn *f = keys_of(w, fn);
	struct keyline_call *c;

	for (unsigned n = KEYLINE_ROW; n > 0 && (c = keyline_first(f)); n--) {
		if (invoke_of(c)->load_only || !pool_resident(w, fn))
			break;
		invoke_take_turn(w, invoke_of(c));
	}
	keyline_rejoin(&w->core->keys, f);
}

/* Those that begin to wait meanwhile have their turn the next time. */
static void invoke_turns(struct worker *w)
{
	struct keyline *l = &w->core->keys;
	struct keyline_fn *f;

	for (size_t n = l->n; n > 0 && (f = keyline_turn(l)); n--) {
		struct invocation *inv = invoke_of(keyline_first(f));
		struct function *fn = inv->fn;

		function_get(fn);
		invoke_take_turn(w, inv);
		invoke_row(w, fn);
		function_put(fn);
	}
}

void invoke_key_back(struct worker *w, struct function *fn, bool shares)
{
	keyline_back(&w->core->keys, keys_of(w, fn), shares);
}

void invoke_key_ran(struct worker *w, struct function *fn)
{
	invoke_row(w, fn);
	invoke_waiting(w);
}

static uint64_t expire_wanting(struct worker *w)
{
	uint64_t wait = w->rt->opt.queue_wait_ns;
	struct keyline *l = &w->core->keys;
	struct keyline_call *c;

	while ((c = keyline_oldest(l))) {
		struct invocation *inv = invoke_of(c);

		if (w->now - inv->begin_ns < wait)
			return inv->begin_ns + wait;
		invoke_unwant_key(w, inv);
		limiter_met(w, inv, BUDGET_QUEUE_WAIT);
		invoke_fail(inv, OUTCOME_QUEUE_WAIT,
			"no key came free within the longest wait");
	}
	return UINT64_MAX;
}

/* Together. ---------------------------------------------------------------- */

/* Those for an isolate first: they have had their turn for a key. */
void invoke_waiting(struct worker *w)
{
	for (enum arena_class c = 0; c < ARENA_CLASSES; c++)
		invoke_serve(w, c);
	invoke_turns(w);
}

uint64_t invoke_expire(struct worker *w)
{
	uint64_t queued = expire_queued(w);
	uint64_t wanting = expire_wanting(w);
	const struct keyline *l = &w->core->keys;

	/* Somebody has its turn who came too late for this one. */
	if (!keyline_full(l) && !list_empty(&l->turns))
		return w->now;
	return wanting < queued ? wanting : queued;
}
