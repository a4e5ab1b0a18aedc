/*
 * Where invocations meet their limits: see limiter.h. Trusted side.
 *
 * Nobody polls. What is given back to a quota that somebody waits for makes the
 * workers look at the head of each function's list: this worker in its next
 * turn, others by way of the keeper, since a worker can't wake another. A head
 * that finds no room goes back to its place; a function has one turn per look,
 * so those of one function don't hold up those of another.
 *
 * What a share of the processors waits for is time alone: a worker where some
 * wait looks again when there may be some left.
 *
 * For memory idle isolates end, one at a time per worker: each that is gone
 * looks whether one more has to go.
 */
#include "core/limiter.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "core/keeper.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "util/clock.h"

enum {
	TEXT_MAX = 256
};

void limiter_init(struct worker *w)
{
	list_init(&w->core->turns);
	w->core->blocked_until = UINT64_MAX;
	w->core->share_at = UINT64_MAX;
}

static bool is_memory(const struct quota *q)
{
	return q->kind == BUDGET_TENANT_MEMORY ||
	       q->kind == BUDGET_TOTAL_MEMORY;
}

/* Refusals. ---------------------------------------------------------------- */

void limiter_met(struct worker *w, struct invocation *inv, enum budget what)
{
	inv->met = what;
	metrics_inc(w->metrics, METRIC_LIMITED, what);
}

void limiter_text(const struct quota *q, const struct function *fn, char *text,
	size_t size)
{
	switch (q->kind) {
	case BUDGET_TENANT_CONCURRENCY:
		(void)snprintf(text, size,
			"the tenant's limit of %" PRIu64 " invocations at once "
			"(tenants.%s.concurrency) is reached",
			q->max, fn->opt.tenant);
		return;
	case BUDGET_TENANT_CPU:
		(void)snprintf(text, size,
			"the tenant's share of %" PRIu64 " %% of a processor "
			"(tenants.%s.cpu_percent) is used up",
			q->max, fn->opt.tenant);
		return;
	case BUDGET_TENANT_MEMORY:
		(void)snprintf(text, size,
			"the isolates of the tenant fill its %" PRIu64 " MiB "
			"(tenants.%s.memory_mb)",
			q->max >> 20, fn->opt.tenant);
		return;
	case BUDGET_TOTAL_MEMORY:
		(void)snprintf(text, size,
			"the isolates fill the daemon's %" PRIu64 " MiB "
			"(limits.total_memory_mb)",
			q->max >> 20);
		return;
	default:
		(void)snprintf(text, size,
			"the function's limit of %" PRIu64 " invocations at "
			"once (max_concurrency) is reached",
			q->max);
	}
}

static enum outcome outcome_of(const struct quota *q)
{
	return is_memory(q)		      ? OUTCOME_NO_ISOLATE
	       : q->kind == BUDGET_TENANT_CPU ? OUTCOME_CPU_SHARE
					      : OUTCOME_CONCURRENCY;
}

static void refuse(struct worker *w, struct invocation *inv,
	const struct quota *q, const char *why)
{
	char text[TEXT_MAX];
	size_t len;

	limiter_text(q, inv->fn, text, sizeof(text));
	len = strlen(text);
	(void)snprintf(text + len, sizeof(text) - len, "; %s", why);
	limiter_met(w, inv, q->kind);
	if (q->kind == BUDGET_TENANT_CPU)
		inv->retry_ns = share_wait(&inv->fn->opt.owner->share, w->now);
	invoke_fail(inv, outcome_of(q), text);
}

static void refuse_rate(
	struct worker *w, struct invocation *inv, const struct rate *r)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		"more than %u invocations in %u s (%s%s%s)", r->calls,
		r->seconds, r->kind == BUDGET_TENANT_RATE ? "tenants." : "",
		r->kind == BUDGET_TENANT_RATE ? inv->fn->opt.tenant
					      : "max_rate",
		r->kind == BUDGET_TENANT_RATE ? ".rate" : "");
	limiter_met(w, inv, r->kind);
	invoke_fail(inv, OUTCOME_RATE, text);
}

/* Telling. ----------------------------------------------------------------- */

static void limiter_relieve_all(struct worker *w);

static void limiter_told(struct msg *msg)
{
	struct worker_core *core =
		container_of(msg, struct worker_core, limiter_msg);

	atomic_store(&core->told, false);
	if (atomic_exchange(&core->told_look, false))
		core->look = true;
	limiter_relieve_all(core->worker);
}

void limiter_tell(struct runtime *rt)
{
	bool tell = atomic_exchange(&rt->core->tell, false);
	bool ask = atomic_exchange(&rt->core->ask, false);

	for (unsigned i = 0; (tell || ask) && i < rt->n_workers; i++) {
		struct worker_core *core = rt->workers[i].core;
		bool look = tell && atomic_load(&core->n_blocked) > 0;

		if (!look && !ask)
			continue;
		if (look)
			atomic_store(&core->told_look, true);
		if (atomic_exchange(&core->told, true))
			continue;
		core->limiter_msg.run = limiter_told;
		worker_post(&rt->workers[i], &core->limiter_msg);
	}
}

static void tell(struct worker *w)
{
	atomic_store(&w->rt->core->tell, true);
	keeper_wake(w->rt->keeper);
}

/* Something was given back that somebody waits for. */
static void released(struct worker *w)
{
	if (atomic_load(&w->core->n_blocked) > 0)
		w->core->look = true;
	for (unsigned i = 0; i < w->rt->n_workers; i++) {
		if (i == w->id ||
			atomic_load(&w->rt->workers[i].core->n_blocked) == 0)
			continue;
		tell(w);
		return;
	}
}

static void give(struct worker *w, struct quota *q, uint64_t n)
{
	if (quota_give(q, n))
		released(w);
}

/* Memory. ------------------------------------------------------------------ */

const struct quota *limiter_full(
	const struct runtime *rt, const struct function *fn, size_t n)
{
	size_t bytes = isolate_bytes(fn->opt.memory_bytes) * n;
	const struct tenant *t = fn->opt.owner;

	if (t && !quota_fits(&t->memory, bytes))
		return &t->memory;
	return quota_fits(&rt->core->memory, bytes) ? NULL : &rt->core->memory;
}

struct quota *limiter_charge(struct runtime *rt, const struct function *fn)
{
	size_t bytes = isolate_bytes(fn->opt.memory_bytes);
	struct tenant *t = fn->opt.owner;

	if (t && !quota_fits(&t->memory, bytes))
		return &t->memory;
	if (!quota_take(&rt->core->memory, bytes))
		return &rt->core->memory;
	if (!t || quota_take(&t->memory, bytes))
		return NULL;
	/* Whoever looks in vain meanwhile is told: as after any other. */
	if (quota_give(&rt->core->memory, bytes)) {
		atomic_store(&rt->core->tell, true);
		keeper_wake(rt->keeper);
	}
	return &t->memory;
}

void limiter_charged(struct isolate *iso, const struct function *fn)
{
	iso->charged = isolate_bytes(fn->opt.memory_bytes);
	iso->owner = fn->opt.owner;
}

/* An idle isolate of the tenant ends (NULL: of anybody). */
static void relieve(struct worker *w, const struct tenant *t)
{
	struct isolate *iso;

	if (w->core->relieving)
		return;
	iso = pool_relieve(&w->core->pool, t);
	if (!iso)
		return;
	iso->relief = true;
	w->core->relieving = true;
}

static void limiter_relieve_all(struct worker *w)
{
	struct runtime *rt = w->rt;

	if (atomic_load(&rt->core->starving) == 0)
		return;
	for (size_t i = 0; i < rt->tenants.n; i++)
		if (quota_short(&rt->tenants.all[i].memory))
			relieve(w, &rt->tenants.all[i]);
	if (quota_short(&rt->core->memory))
		relieve(w, NULL);
}

void limiter_uncharge(struct isolate *iso)
{
	struct worker *w = iso->worker;
	size_t bytes = iso->charged;

	if (iso->relief)
		w->core->relieving = false;
	iso->relief = false;
	iso->charged = 0;
	if (bytes && iso->owner)
		give(w, &iso->owner->memory, bytes);
	if (bytes)
		give(w, &w->rt->core->memory, bytes);
	limiter_relieve_all(w);
}

/* Somebody else than those of `local` waits, and there is too little. */
static bool others_want(
	const struct quota *q, const struct function_local *local)
{
	return quota_short(q) && atomic_load(&q->waiting) > local->n_blocked;
}

bool limiter_pressed(struct worker *w, struct function *fn)
{
	struct runtime_core *core = w->rt->core;
	const struct function_local *local = &fn->local[w->id];

	if (atomic_load_explicit(&core->starving, memory_order_relaxed) == 0)
		return false;
	if (others_want(&core->memory, local) ||
		(fn->opt.owner && others_want(&fn->opt.owner->memory, local)))
		return true;
	/* Kept, for those of its own. */
	if (local->n_blocked > 0)
		w->core->look = true;
	return false;
}

/* Shares of the processors. ------------------------------------------------ */

/* When one of the tenant's may begin, this worker looks; at least once a
 * period, since what makes it sooner may be elsewhere. */
static void await_share(struct worker *w, struct tenant *t)
{
	uint64_t wait = share_wait(&t->share, w->now);

	if (wait > SHARE_PERIOD_NS)
		wait = SHARE_PERIOD_NS;
	if (w->now + wait < w->core->share_at)
		w->core->share_at = w->now + wait;
}

void limiter_begin(struct worker *w, struct invocation *inv)
{
	struct share *s = &inv->fn->opt.owner->share;

	if (inv->admitted)
		share_settle(s);
	share_begin(s, w->id, inv->run_begin_ns);
}

void limiter_end(struct worker *w, struct invocation *inv)
{
	struct tenant *t = inv->fn->opt.owner;

	share_end(&t->share, w->id, inv->run_begin_ns, inv->end_ns);
	if (atomic_load_explicit(&t->cpu.waiting, memory_order_relaxed) > 0)
		await_share(w, t);
}

/* Waiting. ----------------------------------------------------------------- */

static uint64_t needs(const struct invocation *inv)
{
	return is_memory(inv->blocked)
		       ? isolate_bytes(inv->fn->opt.memory_bytes)
		       : 1;
}

static void enlist(struct worker *w, struct invocation *inv)
{
	struct function_local *local = &inv->fn->local[w->id];
	uint64_t until = inv->begin_ns + w->rt->opt.queue_wait_ns;

	/* Those behind may wait for the place that it has. */
	if (inv->again || inv->admitted)
		list_push_front(&local->blocked, &inv->link);
	else
		list_push_back(&local->blocked, &inv->link);
	if (local->n_blocked++ == 0) {
		list_push_back(&w->core->turns, &local->turn);
		w->core->n_turns++;
	}
	atomic_fetch_add(&w->core->n_blocked, 1);
	if (until < w->core->blocked_until)
		w->core->blocked_until = until;
	metrics_inc(w->metrics, METRIC_QUEUE_DEPTH, 0);
}

static void unlist(struct worker *w, struct invocation *inv)
{
	struct function_local *local = &inv->fn->local[w->id];

	list_remove(&inv->link);
	if (--local->n_blocked == 0) {
		list_remove(&local->turn);
		w->core->n_turns--;
	}
	atomic_fetch_sub(&w->core->n_blocked, 1);
	if (is_memory(inv->blocked))
		atomic_fetch_sub(&w->rt->core->starving, 1);
	quota_unwait(inv->blocked);
	inv->blocked = NULL;
	metrics_add(w->metrics, METRIC_QUEUE_DEPTH, 0, -1);
}

static void starve(struct worker *w)
{
	atomic_fetch_add(&w->rt->core->starving, 1);
	limiter_relieve_all(w);
	if (w->rt->n_workers == 1)
		return;
	/* Each time: while it had its turn it did not wait, and who looked then
	 * whether somebody does ended none and won't look again. */
	atomic_store(&w->rt->core->ask, true);
	keeper_wake(w->rt->keeper);
}

void limiter_wait(struct worker *w, struct invocation *inv)
{
	struct quota *q = inv->blocked;
	uint64_t n = needs(inv);
	size_t most = inv->again ? SIZE_MAX : w->rt->opt.max_queue;

	if (n > q->max) {
		inv->blocked = NULL;
		refuse(w, inv, q, "one isolate of the function needs more");
		return;
	}
	if (!quota_wait(q, n, most)) {
		inv->blocked = NULL;
		/* For who comes next: idle isolates may be all that is. */
		if (is_memory(q))
			relieve(w, q->kind == BUDGET_TENANT_MEMORY
					   ? inv->fn->opt.owner
					   : NULL);
		refuse(w, inv, q, "as many as limits.queue wait already");
		return;
	}
	enlist(w, inv);
	inv->again = true;
	if (is_memory(q))
		starve(w);
	if (q->kind == BUDGET_TENANT_CPU)
		await_share(w, inv->fn->opt.owner);
	else if (quota_fits(q, n))
		w->core->look = true;
}

/* Turns. ------------------------------------------------------------------- */

struct quota *limiter_admit(struct invocation *inv)
{
	struct function *fn = inv->fn;
	struct tenant *t = fn->opt.owner;

	if (inv->admitted || !fn->limited || inv->load_only)
		return NULL;
	if (t && share_wait(&t->share, inv->worker->now) > 0)
		return &t->cpu;
	if (t && !quota_fits(&t->concurrency, 1))
		return &t->concurrency;
	if (!quota_take(&fn->concurrency, 1))
		return &fn->concurrency;
	inv->admitted = !t || quota_take(&t->concurrency, 1);
	if (inv->admitted && t)
		share_admit(&t->share);
	if (inv->admitted)
		return NULL;
	give(inv->worker, &fn->concurrency, 1);
	return &t->concurrency;
}

void limiter_leave(struct worker *w, struct invocation *inv)
{
	struct function *fn = inv->fn;

	inv->admitted = false;
	give(w, &fn->concurrency, 1);
	if (!fn->opt.owner)
		return;
	give(w, &fn->opt.owner->concurrency, 1);
	if (inv->run_begin_ns == 0)
		share_settle(&fn->opt.owner->share);
}

/* False: refused. */
static bool in_rate(struct worker *w, struct invocation *inv)
{
	struct function *fn = inv->fn;
	struct tenant *t = fn->opt.owner;
	uint64_t now = clock_now();

	inv->retry_ns = rate_take(&fn->rate, now);
	if (inv->retry_ns) {
		refuse_rate(w, inv, &fn->rate);
		return false;
	}
	inv->retry_ns = t ? rate_take(&t->rate, now) : 0;
	if (inv->retry_ns == 0)
		return true;
	rate_undo(&fn->rate);
	refuse_rate(w, inv, &t->rate);
	return false;
}

bool limiter_enter(struct worker *w, struct invocation *inv)
{
	struct list *l = list_first(&inv->fn->local[w->id].blocked);

	if (!in_rate(w, inv))
		return false;
	/* Behind those of the function that wait here already. */
	inv->blocked = l ? container_of(l, struct invocation, link)->blocked
			 : limiter_admit(inv);
	if (!inv->blocked)
		return true;
	limiter_wait(w, inv);
	return false;
}

static struct invocation *oldest_of(struct function_local *local)
{
	struct list *l = list_first(&local->blocked);

	CHECK(l);
	return container_of(l, struct invocation, link);
}

/* The next function's oldest, whose turn is the last again after this. */
static struct invocation *next_turn(struct worker *w)
{
	struct list *l = list_first(&w->core->turns);
	struct function_local *local;

	if (!l)
		return NULL;
	local = container_of(l, struct function_local, turn);
	list_remove(l);
	list_push_back(&w->core->turns, l);
	return oldest_of(local);
}

void limiter_look(struct worker *w)
{
	size_t n = w->core->n_turns;
	struct invocation *inv;

	if (!w->core->look && w->now < w->core->share_at)
		return;
	w->core->look = false;
	w->core->share_at = UINT64_MAX;
	for (; n > 0 && (inv = next_turn(w)); n--) {
		struct function_local *local = &inv->fn->local[w->id];
		bool more = local->n_blocked > 1;

		unlist(w, inv);
		if (invoke_again(w, inv) && more)
			w->core->look = true;
	}
}

/* The function's list is looked at no more once its last one is gone: nor may
 * the function be there. */
static void expire_some(struct worker *w, struct invocation *inv)
{
	struct function_local *local = &inv->fn->local[w->id];
	uint64_t wait = w->rt->opt.queue_wait_ns;

	for (size_t n = local->n_blocked; n > 0; n--) {
		struct quota *q;

		inv = oldest_of(local);
		if (w->now - inv->begin_ns < wait) {
			if (inv->begin_ns + wait < w->core->blocked_until)
				w->core->blocked_until = inv->begin_ns + wait;
			return;
		}
		q = inv->blocked;
		unlist(w, inv);
		refuse(w, inv, q,
			"it waited for as long as limits.queue_wait_ms");
	}
}

static uint64_t next_look(const struct worker *w)
{
	uint64_t at = w->core->blocked_until;

	if (w->core->look)
		return w->now;
	return w->core->share_at < at ? w->core->share_at : at;
}

uint64_t limiter_expire(struct worker *w)
{
	struct invocation *inv;

	if (w->now < w->core->blocked_until)
		return next_look(w);
	w->core->blocked_until = UINT64_MAX;
	for (size_t n = w->core->n_turns; n > 0 && (inv = next_turn(w)); n--)
		expire_some(w, inv);
	return next_look(w);
}
