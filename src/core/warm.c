/*
 * Warming. The control thread shares the work out, each worker does its part
 * one load at a time, each in a message of its own so that calls come between
 * them; the last part to come home brings the answer. Trusted side.
 *
 * In a drain a worker without connections may leave with a part that will never
 * come home. The worker of the request does not: then its part is the last.
 */
#include "core/warm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limiter.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"

struct warm;

/* One worker's; its own while it is on its way. */
struct warm_part {
	struct msg msg;
	struct warm *warm;
	struct worker *worker;
	struct invocation inv;
	size_t idle, room; /* as the control thread saw them */
	size_t left;	   /* to be made */
	size_t made;
	bool out; /* the control thread's: on its way */
	struct control_load load;
};

/* The control thread's. */
struct warm {
	struct control_req *req;
	struct function *fn; /* held */
	control_warmed_fn *then;
	struct control_warmed result;
	struct list link;
	bool answered;	/* req is no more */
	unsigned n_out; /* parts on their way */
	unsigned n_parts;
	struct warm_part part[];
};

/* On the worker. ----------------------------------------------------------- */

static void warm_home(struct msg *msg);
static void warm_step(struct msg *msg);

static void warm_fail(struct warm_part *p, struct ending end, const char *why)
{
	p->load.end = end;
	(void)snprintf(p->load.message, sizeof(p->load.message), "%s", why);
	p->left = 0;
}

static void warm_loaded(struct invocation *inv)
{
	struct warm_part *p = container_of(inv, struct warm_part, inv);

	control_take(inv, &p->load);
	if (p->load.end.outcome == OUTCOME_OK) {
		p->made++;
		p->left--;
	} else {
		p->left = 0;
	}
	p->msg.run = warm_step;
	worker_post(p->worker, &p->msg);
}

/* The room for large ones is not limits.isolates: nobody sets it. */
static enum budget warm_room_budget(const struct function *fn)
{
	return arena_class_of(isolate_bytes(fn->opt.memory_bytes)) ==
			       ARENA_COMMON
		       ? BUDGET_ISOLATES
		       : BUDGET_NONE;
}

/* What has changed since the work was shared out. */
static void warm_look(struct warm_part *p)
{
	struct function *fn = p->warm->fn;
	const struct quota *full;

	if (worker_draining(p->worker))
		warm_fail(p, ending_of(OUTCOME_DRAINING),
			"the daemon shuts down");
	else if (atomic_load_explicit(&fn->retired, memory_order_relaxed))
		warm_fail(p, ending_of(OUTCOME_NOT_FOUND),
			"the function was replaced or removed meanwhile");
	else if (!pool_has_room(&p->worker->core->pool, fn))
		warm_fail(p, ending_full(warm_room_budget(fn)),
			"other isolates have taken the room meanwhile");
	else if ((full = limiter_full(p->worker->rt, fn, 1)))
		warm_fail(p, ending_full(full->kind),
			"other isolates have taken the memory meanwhile");
}

static void warm_step(struct msg *msg)
{
	struct warm_part *p = container_of(msg, struct warm_part, msg);

	if (p->left > 0)
		warm_look(p);
	if (p->left == 0) {
		p->msg.run = warm_home;
		control_post(p->worker->rt, &p->msg);
		return;
	}
	p->inv = (struct invocation){.fn = p->warm->fn,
		.load_only = true,
		.prepare = p->warm->fn->opt.contexts,
		.done = warm_loaded};
	invoke_start(p->worker, &p->inv);
}

/* On the control thread. --------------------------------------------------- */

static bool warm_drains(const struct warm *warm)
{
	return worker_draining(warm->part[0].worker);
}

/* Answers if there is nothing more to wait for, and frees it if nobody has it
 * any more. */
static void warm_settle(struct warm *warm)
{
	bool left = warm->n_out > 0;

	if (!warm->answered &&
		(!left || (warm_drains(warm) &&
				  !warm->part[warm->req->worker->id].out))) {
		if (left)
			warm->result.load.end = ending_of(OUTCOME_DRAINING);
		warm->answered = true;
		warm->then(warm->req, &warm->result);
	}
	if (left)
		return;
	list_remove(&warm->link);
	function_put(warm->fn);
	free(warm);
}

static void warm_home(struct msg *msg)
{
	struct warm_part *p = container_of(msg, struct warm_part, msg);
	struct warm *warm = p->warm;

	p->out = false;
	warm->n_out--;
	warm->result.made += p->made;
	if (p->load.end.outcome != OUTCOME_OK)
		warm->result.load = p->load;
	warm_settle(warm);
}

void warm_drain(struct runtime *rt)
{
	list_for_each(it, &rt->core->warms)
	{
		warm_settle(container_of(it, struct warm, link));
	}
}

/* A worker's isolates may change at any time: this is a guess, and the worker
 * looks itself. */
static void warm_count(struct warm_part *p, const struct function *fn)
{
	struct pool *pool = &p->worker->core->pool;
	enum arena_class c =
		arena_class_of(isolate_bytes(fn->opt.memory_bytes));
	const struct slots *s = &pool->slots[c];
	size_t used = __atomic_load_n(&s->used, __ATOMIC_ACQUIRE);

	p->room = s->count;
	for (size_t i = 0; i < used; i++) {
		const struct isolate *iso = &pool->all[s->all + i];
		const struct function *of =
			__atomic_load_n(&iso->fn, __ATOMIC_ACQUIRE);
		enum isolate_state state = iso->state;

		if (state == ISOLATE_SPARE)
			of = __atomic_load_n(&iso->spare_of, __ATOMIC_ACQUIRE);
		else if (!isolate_state_name(state))
			continue;
		if (state != ISOLATE_SPARE || of != fn)
			p->room--;
		if (state == ISOLATE_IDLE && of == fn)
			p->idle++;
	}
}

/* The part that should get one more; NULL: there is no room. */
static struct warm_part *warm_poorest(struct warm *warm)
{
	struct warm_part *best = NULL;

	for (unsigned i = 0; i < warm->n_parts; i++) {
		unsigned at = (warm->req->worker->id + i) % warm->n_parts;
		struct warm_part *p = &warm->part[at];

		if (p->left < p->room &&
			(!best || p->idle + p->left < best->idle + best->left))
			best = p;
	}
	return best;
}

/* Nobody's idle isolates end for these. */
static bool warm_has_memory(struct warm *warm, size_t n)
{
	const struct quota *q =
		limiter_full(warm->req->worker->rt, warm->fn, n);

	if (!q)
		return true;
	warm->result.load.end = ending_full(q->kind);
	limiter_text(q, warm->fn, warm->result.load.message,
		sizeof(warm->result.load.message));
	return false;
}

static bool warm_share(struct warm *warm, size_t n)
{
	if (n > warm->result.idle &&
		!warm_has_memory(warm, n - warm->result.idle))
		return false;
	for (size_t i = warm->result.idle; i < n; i++) {
		struct warm_part *p = warm_poorest(warm);

		if (!p) {
			warm->result.load.end =
				ending_full(warm_room_budget(warm->fn));
			(void)snprintf(warm->result.load.message,
				sizeof(warm->result.load.message),
				"there is room for %zu more isolates of this "
				"size%s, not for %zu",
				i - warm->result.idle,
				warm->result.load.end.met == BUDGET_ISOLATES
					? " (limits.isolates)"
					: "",
				n - warm->result.idle);
			return false;
		}
		p->left++;
	}
	return true;
}

static struct warm *warm_new(
	struct control_req *req, struct function *fn, control_warmed_fn *then)
{
	struct runtime *rt = req->worker->rt;
	struct warm *warm = calloc(
		1, sizeof(*warm) + rt->n_workers * sizeof(struct warm_part));

	if (!warm)
		return NULL;
	function_get(fn);
	*warm = (struct warm){.req = req,
		.fn = fn,
		.then = then,
		.n_parts = rt->n_workers,
		.result = {.fn = fn, .load.end = ending_of(OUTCOME_OK)}};
	for (unsigned i = 0; i < rt->n_workers; i++) {
		warm->part[i] = (struct warm_part){.warm = warm,
			.worker = &rt->workers[i],
			.msg.run = warm_step,
			.load.end = ending_of(OUTCOME_OK)};
		warm_count(&warm->part[i], fn);
		warm->result.idle += warm->part[i].idle;
	}
	return warm;
}

/* Sends the parts that have something to do. */
static void warm_send(struct warm *warm)
{
	for (unsigned i = 0; i < warm->n_parts; i++) {
		warm->part[i].out = warm->part[i].left > 0;
		warm->n_out += warm->part[i].out;
	}
	for (unsigned i = 0; i < warm->n_parts; i++)
		if (warm->part[i].out)
			worker_post(warm->part[i].worker, &warm->part[i].msg);
}

int control_warm(struct control_req *req, struct function *fn, size_t n,
	control_warmed_fn *then)
{
	struct warm *warm = warm_new(req, fn, then);

	if (!warm)
		return -ENOMEM;
	list_push_back(&req->worker->rt->core->warms, &warm->link);
	if (warm_drains(warm))
		warm->result.load.end = ending_of(OUTCOME_DRAINING);
	else if (warm_share(warm, n))
		warm_send(warm);
	warm_settle(warm);
	return 0;
}
