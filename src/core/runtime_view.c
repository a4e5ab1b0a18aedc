/*
 * What can be seen of the runtime: isolates, keys, the core's metrics. Control
 * thread; reads what workers write, relaxed: each value is right, together they
 * are a snapshot of no single moment.
 */
#include <string.h>

#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "util/clock.h"

/* False: it has no function (any more). */
static bool view_isolate(
	struct isolate *iso, uint64_t now, struct runtime_isolate *ret)
{
	struct function *fn = __atomic_load_n(&iso->fn, __ATOMIC_ACQUIRE);
	const char *state = isolate_state_name(iso->state);

	/* fn can't go away here: its memory is freed on this thread alone. */
	if (!fn || !state)
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->function, fn->id, sizeof(ret->function));
	ret->version = fn->version;
	ret->state = state;
	ret->id = iso->id;
	ret->key = iso->worker->rt->hardware ? domain_key(&iso->domain) : -1;
	ret->worker = iso->worker->id;
	ret->age_ns = now > iso->created ? now - iso->created : 0;
	ret->calls = iso->calls;
	ret->heap_used = iso->heap_used;
	ret->heap_peak = iso->heap_peak;
	return true;
}

void runtime_isolates(struct runtime *rt, runtime_isolate_fn *visit, void *arg)
{
	uint64_t now = clock_now();

	for (unsigned i = 0; i < rt->n_workers; i++) {
		struct pool *p = &rt->workers[i].core->pool;

		for (size_t j = 0; j < p->count; j++) {
			struct runtime_isolate view;

			if (view_isolate(&p->all[j], now, &view) &&
				!visit(&view, arg))
				return;
		}
	}
}

void runtime_keys(struct runtime *rt, unsigned *ret_total, unsigned *ret_held)
{
	const struct domain_mux *mux = &rt->core->mux;

	*ret_total = rt->core->keys.n_isolate;
	*ret_held = 0;
	for (unsigned i = 0; i < *ret_total; i++)
		*ret_held += __atomic_load_n(&mux->slot[i].owner,
				     __ATOMIC_RELAXED) != NULL;
}

/* Gauges that nobody counts up and down: taken from the isolates. */
static void view_gauges(struct runtime *rt, struct metrics_block *b)
{
	static const enum metric_isolate kinds[] = {
		[ISOLATE_STARTING] = METRIC_ISOLATE_STARTING,
		[ISOLATE_IDLE] = METRIC_ISOLATE_IDLE,
		[ISOLATE_BUSY] = METRIC_ISOLATE_BUSY,
	};
	unsigned total, held;

	for (unsigned i = 0; i < rt->n_workers; i++) {
		struct pool *p = &rt->workers[i].core->pool;

		for (size_t j = 0; j < p->count; j++) {
			enum isolate_state state = p->all[j].state;

			if (isolate_state_name(state))
				metrics_inc(b, METRIC_ISOLATES, kinds[state]);
		}
	}
	runtime_keys(rt, &total, &held);
	metrics_set(b, METRIC_PKEYS, METRIC_PKEY_HELD, held);
	metrics_set(b, METRIC_PKEYS, METRIC_PKEY_FREE, total - held);
}

static void view_mux(struct runtime *rt, struct metrics_block *b)
{
	const struct domain_mux *mux = &rt->core->mux;
	uint64_t steals = mux->evictions;

	for (unsigned i = 0; i < rt->n_workers; i++)
		metrics_add(b, METRIC_PKEY_ASSIGN, METRIC_ASSIGN_HIT,
			(int64_t)rt->workers[i].core->pin_hits);
	metrics_set(
		b, METRIC_PKEY_ASSIGN, METRIC_ASSIGN_FREE, mux->binds - steals);
	metrics_set(b, METRIC_PKEY_ASSIGN, METRIC_ASSIGN_STEAL, steals);
	metrics_set(b, METRIC_PKEY_ASSIGN, METRIC_ASSIGN_WAIT, mux->waits);
}

static void view_logs(struct runtime *rt, struct metrics_block *b)
{
	for (unsigned i = 0; i < rt->n_workers; i++) {
		const struct logring *log = &rt->workers[i].core->log;

		metrics_add(b, METRIC_LOG_DROPPED_LINES, 0,
			(int64_t)log->dropped_lines);
		metrics_add(b, METRIC_LOG_DROPPED_BYTES, 0,
			(int64_t)log->dropped_bytes);
	}
}

void runtime_metrics(struct runtime *rt, struct buf *out)
{
	struct metrics_block now = {0};
	struct metrics_block *blocks[GATE_MAX_THREADS + 1];
	size_t n = 0;

	for (unsigned i = 0; i < rt->n_workers; i++)
		blocks[n++] = rt->workers[i].metrics;
	view_gauges(rt, &now);
	view_mux(rt, &now);
	view_logs(rt, &now);
	blocks[n++] = &now;
	metrics_text(out, blocks, n);
}
