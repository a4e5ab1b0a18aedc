/*
 * One invocation, from a function to an outcome. Trusted side, on the worker
 * that read the request; the isolate's answers are hostile input.
 *
 *   invoke_start   a warm isolate, or an empty one
 *   invoke_on      resident? a pin, no system call; else the keeper is asked
 *   invoke_run     pinned: lay out if new, converse, settle
 *
 * Without an isolate, or a key to be had, an invocation waits: wait.c.
 */
#include <string.h>

#include "base/check.h"
#include "core/keeper.h"
#include "core/limiter.h"
#include "core/run.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "util/clock.h"
#include "util/log.h"

/* Registration waits for a load at most this long: it holds up its client, not
 * the control thread. */
#define LOAD_TIMEOUT_NS (5 * CLOCK_S)

enum {
	EVICTIONS_MAX = 8 /* a program has a dozen mappings, Lua two */
};

/* 26 characters, ordered by time (Crockford's base 32): 48 bits of
 * milliseconds, 80 random ones. */
static void invoke_name(struct worker *w, struct invocation *inv)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t ms = (w->core->real_offset + w->now) / CLOCK_MS;
	uint64_t random[2];

	worker_random(w, random, sizeof(random));
	for (int i = 9; i >= 0; i--, ms >>= 5)
		inv->id[i] = digits[ms & 31];
	for (int i = 0; i < 8; i++) {
		inv->id[10 + i] = digits[(random[0] >> (5 * i)) & 31];
		inv->id[18 + i] = digits[(random[1] >> (5 * i)) & 31];
	}
	inv->id[26] = '\0';
}

static void invoke_finish(struct invocation *inv)
{
	struct function_stats *st = &inv->fn->stats;

	if (inv->end_ns == 0)
		inv->end_ns = clock_now();
	if (inv->admitted)
		limiter_leave(inv->worker, inv);
	if (!inv->load_only) {
		atomic_fetch_add_explicit(&st->calls, 1, memory_order_relaxed);
		if (inv->outcome != OUTCOME_OK)
			atomic_fetch_add_explicit(
				&st->errors, 1, memory_order_relaxed);
		if (inv->run_begin_ns)
			atomic_fetch_add_explicit(&st->run_ns,
				inv->end_ns - inv->run_begin_ns,
				memory_order_relaxed);
	}
	metrics_add(inv->worker->metrics, METRIC_IN_FLIGHT, 0, -1);
	inv->done(inv);
}

void invoke_fail(struct invocation *inv, enum outcome outcome, const char *why)
{
	run_message_text(inv, why);
	inv->outcome = outcome;
	invoke_finish(inv);
}

/* Isolates. ---------------------------------------------------------------- */

static void isolate_recycled(struct msg *msg)
{
	struct isolate *iso = container_of(msg, struct isolate, msg);
	struct worker *w = iso->worker;
	struct pool *p = &w->core->pool;

	p->n_out--;
	if (iso->result < 0) {
		/* Unclear what its pages hold: the slot stays out of use. */
		log_error("isolate can't be recycled", LOG_ERR(iso->result));
	} else {
		iso->state = ISOLATE_RAW;
		pool_return(p, iso);
	}
	limiter_uncharge(iso);
	invoke_waiting(w);
	pool_refill(p);
}

void isolate_discard(struct isolate *iso)
{
	struct worker *w = iso->worker;
	struct function *fn = iso->fn;

	CHECK(iso->magic == ISOLATE_MAGIC && iso->state != ISOLATE_DYING);
	pool_forget(&w->core->pool, iso);
	iso->state = ISOLATE_DYING;
	iso->fn = NULL;
	iso->inv = NULL;
	w->core->pool.n_out++;
	if (fn)
		function_put(fn);
	keeper_recycle(iso, isolate_recycled);
}

void isolate_drop(struct isolate *iso, enum metric_destroy why)
{
	/* Else it was none yet. */
	if (iso->fn)
		metrics_inc(
			iso->worker->metrics, METRIC_ISOLATE_DESTROYED, why);
	isolate_discard(iso);
}

/* What an outcome means for the isolate that it came from. */
static const struct invoke_end {
	bool reusable; /* may be used again; else it is dropped: */
	enum metric_destroy why;
	bool counted; /* in the metric named here */
	enum metric metric;
	unsigned series;
} invoke_ends[OUTCOME_COUNT] = {
	[OUTCOME_OK] = {.reusable = true},
	[OUTCOME_ERROR] = {.reusable = true},
	[OUTCOME_RESPONSE_INVALID] = {.reusable = true},
	[OUTCOME_RESPONSE_TOO_LARGE] = {.reusable = true},
	[OUTCOME_BAD_REQUEST] = {.reusable = true},
	[OUTCOME_OUT_OF_MEMORY] = {.why = METRIC_DESTROY_OOM,
		.counted = true,
		.metric = METRIC_OOM},
	[OUTCOME_TIMEOUT] = {.why = METRIC_DESTROY_TIMEOUT,
		.counted = true,
		.metric = METRIC_TIMEOUTS},
	[OUTCOME_CPU_TIME] = {.why = METRIC_DESTROY_TIMEOUT,
		.counted = true,
		.metric = METRIC_TIMEOUTS,
		.series = METRIC_TIMEOUT_CPU},
	[OUTCOME_CRASHED] = {.why = METRIC_DESTROY_FAULT},
	[OUTCOME_MEMORY_VIOLATION] = {.why = METRIC_DESTROY_FAULT,
		.counted = true,
		.metric = METRIC_MEMORY_VIOLATIONS},
	[OUTCOME_SYSCALL_DENIED] = {.why = METRIC_DESTROY_FAULT,
		.counted = true,
		.metric = METRIC_SYSCALLS_DENIED},
	[OUTCOME_LOAD_FAILED] = {.why = METRIC_DESTROY_OTHER},
	[OUTCOME_ENTRY_MISSING] = {.why = METRIC_DESTROY_OTHER},
	[OUTCOME_NO_ISOLATE] = {.why = METRIC_DESTROY_OTHER},
	[OUTCOME_INTERNAL] = {.why = METRIC_DESTROY_OTHER},
};

static void invoke_count_busy(struct invocation *inv, uint32_t by)
{
	atomic_fetch_add_explicit(
		&inv->fn->stats.busy, by, memory_order_relaxed);
}

/* Kept: does it want more contexts? Who got none has to be called first. */
static void invoke_note(struct worker *w, const struct invocation *inv)
{
	struct isolate *iso = inv->isolate;

	if (iso->contexts_ready < iso->fn->opt.contexts &&
		iso->contexts_ready >= inv->prepare)
		prepare_note(w, iso);
}

static void invoke_settle(struct worker *w, struct invocation *inv)
{
	const struct invoke_end *end = &invoke_ends[inv->outcome];
	struct isolate *iso = inv->isolate;
	struct runtime *rt = w->rt;

	if (domain_unpin(&rt->core->mux, &iso->domain, inv->end_ns))
		keeper_wake(rt->keeper);
	iso->inv = NULL;
	invoke_count_busy(inv, -1u);
	if (!inv->load_only)
		atomic_fetch_add_explicit(&iso->calls, 1, memory_order_relaxed);
	if (!end->reusable || !iso->loaded || iso->given_up)
		isolate_drop(iso, end->why);
	else if (limiter_pressed(w, iso->fn))
		isolate_drop(iso, METRIC_DESTROY_PRESSURE);
	else if (!pool_keep(&w->core->pool, iso,
			 inv->chore ? iso->last_used : inv->end_ns))
		isolate_drop(iso, METRIC_DESTROY_RETIRED);
	else
		invoke_note(w, inv);
	inv->isolate = NULL;
}

/* Running. ----------------------------------------------------------------- */

static bool invoke_prepare(struct worker *w, struct invocation *inv)
{
	struct isolate *iso = inv->isolate;

	if (iso->fn)
		return true;
	function_get(inv->fn);
	iso->created = w->now;
	iso->id = ++w->core->next_id * GATE_MAX_THREADS + w->id;
	atomic_store_explicit(&iso->calls, 0, memory_order_relaxed);
	if (!inv->load_only)
		atomic_fetch_add_explicit(
			&inv->fn->stats.cold_starts, 1, memory_order_relaxed);
	return isolate_layout(iso, inv->fn);
}

static uint64_t invoke_timeout(const struct invocation *inv)
{
	uint64_t t = inv->fn->opt.timeout_ns;

	if (inv->timeout_ns && inv->timeout_ns < t)
		t = inv->timeout_ns;
	if (inv->load_only && t > LOAD_TIMEOUT_NS)
		t = LOAD_TIMEOUT_NS;
	return t;
}

/* What is done ahead of a call has no more than the call. */
static uint64_t invoke_cpu(const struct invocation *inv)
{
	return inv->load_only && !inv->chore ? 0 : inv->fn->opt.cpu_ns;
}

/* The worker's own number: nobody else writes it. */
static void invoke_tally(_Atomic uint64_t *n, uint64_t by)
{
	atomic_store_explicit(n,
		atomic_load_explicit(n, memory_order_relaxed) + by,
		memory_order_relaxed);
}

static void invoke_count_wait(struct worker *w, const struct invocation *inv)
{
	if (inv->key_wait_ns == 0)
		return;
	invoke_tally(&w->core->key_waits, 1);
	invoke_tally(&w->core->key_wait_ns, inv->key_wait_ns);
	metrics_observe(
		w->metrics, METRIC_PKEY_WAIT_SECONDS, 0, inv->key_wait_ns);
}

static void invoke_count(struct worker *w, const struct invocation *inv)
{
	const struct invoke_end *end = &invoke_ends[inv->outcome];

	invoke_count_wait(w, inv);
	if (end->counted)
		metrics_inc(w->metrics, end->metric, end->series);
	if (inv->cold)
		metrics_observe(w->metrics, METRIC_START_SECONDS,
			METRIC_START_COLD, inv->run_begin_ns - inv->begin_ns);
}

/* What others than fn wait for goes out now. */
static void invoke_flush(struct worker *w, const struct function *fn)
{
	const struct worker_loop *loop = w->rt->core->loop;

	if (loop->before_run)
		loop->before_run(w, fn);
}

static void invoke_run(struct worker *w, struct invocation *inv)
{
	uint64_t timeout = invoke_timeout(inv);

	invoke_flush(w, inv->fn);
	inv->run_begin_ns = clock_now();
	if (inv->fn->opt.owner)
		limiter_begin(w, inv);
	if (invoke_prepare(w, inv)) {
		run_begin(w, inv->run_begin_ns + timeout, invoke_cpu(inv));
		run_converse(w, inv, timeout);
	} else {
		inv->outcome = OUTCOME_OUT_OF_MEMORY;
		run_message_text(inv, "the code does not fit into the "
				      "function's memory budget");
	}
	/* A long run is no idle time, nor the next one's. */
	w->now = inv->end_ns = clock_now();
	if (inv->fn->opt.owner)
		limiter_end(w, inv);
	invoke_count(w, inv);
	invoke_settle(w, inv);
	invoke_finish(inv);
}

/* Finding an isolate. ------------------------------------------------------ */

bool invoke_shares(const struct invocation *inv)
{
	return !inv->load_only && inv->fn->opt.idle_ttl_ns != 0;
}

/*
 * Mappings that idle isolates have are for who comes. The keeper gives those
 * back before it comes to the next try, as errands keep their order. False: so
 * much ended in vain, or nothing is idle.
 */
static bool invoke_evict_for(struct worker *w, struct invocation *inv)
{
	if (inv->evictions >= EVICTIONS_MAX ||
		!pool_relieve(&w->core->pool, NULL))
		return false;
	/* One alone mostly has too few. */
	(void)pool_relieve(&w->core->pool, NULL);
	inv->evictions += 2;
	inv->isolate = NULL;
	invoke_queue(w, inv);
	return true;
}

static void invoke_refused(struct worker *w, struct invocation *inv)
{
	struct isolate *iso = inv->isolate;
	int r = iso->result;

	isolate_drop(iso, METRIC_DESTROY_OTHER);
	invoke_count_busy(inv, -1u);
	if (r == KEEPER_E_MAPS) {
		if (invoke_evict_for(w, inv))
			return;
		limiter_met(inv->worker, inv, BUDGET_MAPS);
		invoke_fail(inv, OUTCOME_NO_ISOLATE, MAPS_REFUSED);
		return;
	}
	log_error("no memory or key for an isolate", LOG_ERR(r));
	invoke_fail(inv, OUTCOME_NO_ISOLATE,
		"the system refused memory for the isolate");
}

static void invoke_bound(struct msg *msg)
{
	struct isolate *iso = container_of(msg, struct isolate, msg);
	struct worker *w = iso->worker;
	struct invocation *inv = iso->inv;
	struct function *fn = inv->fn;

	/* The invocation may be over, and its function with it. */
	function_get(fn);
	invoke_key_back(w, fn, invoke_shares(inv));
	inv->key_wait_ns += iso->waited_ns;
	if (iso->result == 0)
		invoke_run(w, inv);
	else
		invoke_refused(w, inv);
	invoke_key_ran(w, fn);
	function_put(fn);
}

static void invoke_ask(struct worker *w, struct isolate *iso)
{
	struct invocation *inv = iso->inv;

	keyline_out(&w->core->keys, &inv->fn->local[w->id].keys,
		invoke_shares(inv));
	keeper_bind(iso, invoke_bound);
}

static bool invoke_may_ask(struct worker *w, const struct invocation *inv)
{
	struct keyline *l = &w->core->keys;

	if (inv->turn)
		return !keyline_full(l);
	return keyline_may_ask(
		l, &inv->fn->local[w->id].keys, invoke_shares(inv));
}

/* False: it has no key, and the keeper can't be asked for one now. */
static bool invoke_on(struct worker *w, struct isolate *iso)
{
	struct invocation *inv = iso->inv;
	size_t bytes = isolate_bytes(inv->fn->opt.memory_bytes);
	int key;

	/* A program has to be mapped, at the first entry. */
	iso->program =
		!iso->fn && !iso->image && isolate_has_room(bytes, inv->fn)
			? inv->fn->program
			: NULL;
	key = iso->program || iso->mapped != bytes ? -1
						   : domain_pin(&iso->domain);
	if (key < 0 && iso->fn && !invoke_may_ask(w, inv))
		return false;
	inv->isolate = iso;
	invoke_count_busy(inv, 1);
	iso->state = iso->fn ? ISOLATE_BUSY : ISOLATE_STARTING;
	if (key >= 0) {
		invoke_tally(&w->core->pin_hits[key], 1);
		invoke_run(w, inv);
		return true;
	}
	iso->want = iso->fn ? 0 : bytes;
	invoke_ask(w, iso);
	return true;
}

enum arena_class invoke_class(const struct invocation *inv)
{
	return arena_class_of(isolate_bytes(inv->fn->opt.memory_bytes));
}

/* One whose memory the keeper had to take (domain_bind()) is warm no more. */
static struct isolate *invoke_take_warm(
	struct worker *w, const struct invocation *inv)
{
	struct isolate *iso;

	if (inv->load_only)
		return NULL;
	while ((iso = pool_take_warm(w, inv->fn)) && domain_dead(&iso->domain))
		isolate_drop(iso, METRIC_DESTROY_OTHER);
	return iso;
}

bool invoke_warm(struct worker *w, struct invocation *inv)
{
	struct isolate *iso = invoke_take_warm(w, inv);

	inv->cold = iso == NULL;
	if (!iso)
		return false;
	iso->inv = inv;
	if (!invoke_on(w, iso)) {
		iso->inv = NULL;
		pool_untake(w, iso);
		invoke_want_key(w, inv);
	}
	return true;
}

/* An isolate for fn, charged for. NULL: there is none, or inv->blocked says
 * what for. */
static struct isolate *invoke_take_empty(
	struct worker *w, struct invocation *inv)
{
	struct pool *p = &w->core->pool;
	struct function *fn = inv->fn;
	struct isolate *iso = pool_take_spare(p, fn);

	if (iso)
		return iso;
	/* First: what was charged for and given back would be looked for, by
	 * those who wait for some of it, again and again. */
	iso = pool_take_empty(p, isolate_bytes(fn->opt.memory_bytes));
	if (!iso)
		return NULL;
	inv->blocked = limiter_charge(w->rt, fn);
	if (!inv->blocked) {
		limiter_charged(iso, fn);
		return iso;
	}
	pool_return(p, iso);
	return NULL;
}

bool invoke_empty(struct worker *w, struct invocation *inv)
{
	struct pool *p = &w->core->pool;
	struct function *fn = inv->fn;
	struct isolate *iso;
	bool spare;

	/* It has no key before its first run. */
	if (!invoke_may_ask(w, inv)) {
		invoke_want_key(w, inv);
		return true;
	}
	iso = invoke_take_empty(w, inv);
	if (!iso)
		return false;
	/* Of a registration there is an isolate left for the first call. */
	spare = !inv->load_only && pool_wants_spare(p, fn);
	/* The invocation may be over, and its function with it. */
	function_get(fn);
	iso->inv = inv;
	(void)invoke_on(w, iso);
	if (spare) {
		/* Waking the keeper takes longer than the call did. */
		invoke_flush(w, NULL);
		pool_want_spare(p, fn);
	}
	function_put(fn);
	if (p->n_ready < POOL_READY_MAX / 2)
		pool_refill(p);
	return true;
}

/* False: it waits for memory. */
static bool invoke_cold(struct worker *w, struct invocation *inv)
{
	if (invoke_class(inv) == ARENA_CLASSES) {
		invoke_fail(inv, OUTCOME_NO_ISOLATE,
			"no isolate can be as large as the function's "
			"memory budget");
		return true;
	}
	if (invoke_empty(w, inv))
		return true;
	if (inv->blocked) {
		limiter_wait(w, inv);
		return false;
	}
	invoke_queue(w, inv);
	return true;
}

/* Those of its function that wait for a key already come first. */
bool invoke_go(struct worker *w, struct invocation *inv)
{
	if (!inv->turn && keyline_first(&inv->fn->local[w->id].keys)) {
		invoke_want_key(w, inv);
		return true;
	}
	return invoke_warm(w, inv) || invoke_cold(w, inv);
}

bool invoke_again(struct worker *w, struct invocation *inv)
{
	inv->blocked = limiter_admit(inv);
	if (inv->blocked) {
		limiter_wait(w, inv);
		return false;
	}
	return invoke_go(w, inv);
}

static void invoke_begin(struct worker *w, struct invocation *inv)
{
	inv->worker = w;
	inv->isolate = NULL;
	inv->outcome = OUTCOME_INTERNAL;
	inv->kind = INSIDE_REPLY_JSON;
	inv->reply = (struct bufpool_block){0};
	inv->reply_len = 0;
	inv->begin_ns = w->now;
	inv->run_begin_ns = 0;
	inv->end_ns = 0;
	inv->logged = 0;
	inv->cold = true;
	inv->met = BUDGET_NONE;
	inv->retry_ns = 0;
	inv->heap_peak = 0;
	inv->admitted = false;
	inv->again = false;
	inv->evictions = 0;
	inv->blocked = NULL;
	inv->want_ns = 0;
	inv->key_wait_ns = 0;
	inv->turn = false;
	list_init(&inv->link);
	keyline_call_init(&inv->keys);
	invoke_name(w, inv);
	metrics_inc(w->metrics, METRIC_IN_FLIGHT, 0);
}

void invoke_start(struct worker *w, struct invocation *inv)
{
	invoke_begin(w, inv);
	if (inv->fn->limited && !inv->load_only && !limiter_enter(w, inv))
		return;
	if (inv->load_only)
		(void)invoke_go(w, inv);
	else
		ahead_add(w, inv);
}

void invoke_context(
	struct worker *w, struct isolate *iso, struct invocation *inv)
{
	struct function *fn = inv->fn;

	/* No key is taken from others for what may never be of use. */
	if (domain_pin(&iso->domain) < 0)
		return;
	/* The invocation may drop the isolate, and the function with it. */
	function_get(fn);
	invoke_begin(w, inv);
	pool_take(iso);
	iso->state = ISOLATE_BUSY;
	iso->inv = inv;
	inv->isolate = iso;
	inv->cold = false;
	inv->chore = true;
	invoke_count_busy(inv, 1);
	invoke_run(w, inv);
	function_put(fn);
}
