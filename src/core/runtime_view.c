/*
 * What can be seen of the runtime: isolates, keys, the core's metrics. Control
 * thread; reads what workers write, relaxed: each value is right, together they
 * are a snapshot of no single moment.
 */
#include <string.h>
#include <sys/mman.h>

#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "util/clock.h"

enum {
	VIEW_PAGES = 1024 /* asked about at once */
};

/* Where an isolate stands: the worker, and the index in its pool. */
enum {
	PLACE_WORKER = 32
};

/* The next that has been used at *place or behind it, *place is then its own;
 * NULL: there is none. */
static struct isolate *view_next(struct runtime *rt, uint64_t *place)
{
	uint64_t w = *place >> PLACE_WORKER;
	size_t at = (uint32_t)*place;

	for (; w < rt->n_workers; w++, at = 0) {
		struct pool *p = &rt->workers[w].core->pool;

		for (enum arena_class c = 0; c < ARENA_CLASSES; c++) {
			const struct slots *s = &p->slots[c];
			size_t used =
				__atomic_load_n(&s->used, __ATOMIC_ACQUIRE);

			if (at < s->all)
				at = s->all;
			if (at >= s->all + used)
				continue;
			*place = w << PLACE_WORKER | at;
			return &p->all[at];
		}
	}
	return NULL;
}

/* NULL: nothing to be shown. */
static struct function *view_function(const struct isolate *iso)
{
	struct function *fn = __atomic_load_n(&iso->fn, __ATOMIC_ACQUIRE);

	/* fn can't go away here: its memory is freed on this thread alone. */
	return isolate_state_name(iso->state) ? fn : NULL;
}

/* False: it has no function (any more). */
static bool view_isolate(
	struct isolate *iso, uint64_t now, struct runtime_isolate *ret)
{
	struct function *fn = view_function(iso);
	const char *state = isolate_state_name(iso->state);
	/* None, if all this was given back in the meantime (core/slots.h). */
	const struct worker *w =
		__atomic_load_n(&iso->worker, __ATOMIC_RELAXED);

	if (!fn || !state || !w)
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->function, fn->id, sizeof(ret->function));
	ret->version = fn->version;
	ret->state = state;
	ret->id = iso->id;
	ret->key = w->rt->hardware ? domain_key(&iso->domain) : -1;
	ret->worker = w->id;
	ret->age_ns = now > iso->created ? now - iso->created : 0;
	ret->calls = iso->calls;
	ret->heap_used = iso->heap_used;
	ret->heap_peak = iso->heap_peak;
	return true;
}

void runtime_isolates(
	struct runtime *rt, uint64_t from, runtime_isolate_fn *visit, void *arg)
{
	uint64_t now = clock_now();
	struct isolate *iso;

	for (uint64_t at = from; (iso = view_next(rt, &at)); at++) {
		struct runtime_isolate view;

		if (!view_isolate(iso, now, &view))
			continue;
		view.place = at;
		if (!visit(&view, arg))
			return;
	}
}

size_t runtime_isolate_count(struct runtime *rt)
{
	struct isolate *iso;
	size_t n = 0;

	for (uint64_t at = 0; (iso = view_next(rt, &at)); at++)
		n += view_function(iso) != NULL;
	return n;
}

/* Keys. -------------------------------------------------------------------- */

/* Pages of the isolate that are there, in bytes. Shared ones of a program
 * count. */
static uint64_t view_resident(const struct isolate *iso)
{
	unsigned char there[VIEW_PAGES];
	size_t mapped = __atomic_load_n(&iso->mapped, __ATOMIC_RELAXED);
	uint64_t pages = 0;

	for (size_t at = ISOLATE_GUARD; at < mapped;) {
		size_t len = mapped - at;

		if (len > VIEW_PAGES * ISOLATE_PAGE)
			len = VIEW_PAGES * ISOLATE_PAGE;
		/* The range is address space of the arena, whatever becomes of
		 * the isolate meanwhile. */
		if (mincore(iso->base + at, len, there) != 0)
			break;
		for (size_t i = 0; i < len / ISOLATE_PAGE; i++)
			pages += there[i] & 1;
		at += len;
	}
	return pages * ISOLATE_PAGE;
}

/* Of one key, by its place in the table. */
static uint64_t view_hits(struct runtime *rt, unsigned i)
{
	const struct domain_key *s = &rt->core->mux.slot[i];
	uint64_t hits = __atomic_load_n(&s->kept, __ATOMIC_RELAXED);

	for (unsigned w = 0; w < rt->n_workers; w++)
		hits += rt->workers[w].core->pin_hits[s->key];
	return hits;
}

void runtime_domains(struct runtime *rt, runtime_domain_fn *visit, void *arg)
{
	const struct domain_mux *mux = &rt->core->mux;
	uint64_t now = clock_now();

	for (unsigned i = 0; i < rt->core->keys.n_isolate; i++) {
		const struct domain_key *s = &mux->slot[i];
		struct domain *d = __atomic_load_n(&s->owner, __ATOMIC_ACQUIRE);
		struct runtime_domain view = {.key = s->key,
			.hits = view_hits(rt, i),
			.binds = __atomic_load_n(&s->binds, __ATOMIC_RELAXED),
			.steals =
				__atomic_load_n(&s->steals, __ATOMIC_RELAXED)};

		if (d) {
			struct isolate *iso =
				container_of(d, struct isolate, domain);

			view.pins = domain_pins(d);
			view.resident = view_resident(iso);
			view.owned = view_isolate(iso, now, &view.owner);
		}
		visit(&view, arg);
	}
}

void runtime_key_use(struct runtime *rt, struct runtime_key_use *ret)
{
	const struct domain_mux *mux = &rt->core->mux;

	memset(ret, 0, sizeof(*ret));
	if (!rt->hardware)
		return;
	for (unsigned i = 0; i < rt->core->keys.n_isolate; i++)
		ret->hits += view_hits(rt, i);
	for (unsigned i = 0; i < rt->n_workers; i++) {
		ret->waits += rt->workers[i].core->key_waits;
		ret->wait_ns += rt->workers[i].core->key_wait_ns;
	}
	ret->evict = mux->evictions;
	ret->free = mux->binds - ret->evict;
	ret->retagged = mux->retagged;
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
	struct isolate *iso;

	for (uint64_t at = 0; (iso = view_next(rt, &at)); at++) {
		enum isolate_state state = iso->state;

		if (isolate_state_name(state))
			metrics_inc(b, METRIC_ISOLATES, kinds[state]);
	}
	runtime_keys(rt, &total, &held);
	metrics_set(b, METRIC_PKEYS, METRIC_PKEY_HELD, held);
	metrics_set(b, METRIC_PKEYS, METRIC_PKEY_FREE, total - held);
}

static void view_key_use(struct runtime *rt, struct metrics_block *b)
{
	struct runtime_key_use use;

	runtime_key_use(rt, &use);
	metrics_set(b, METRIC_PKEY_ASSIGN, METRIC_ASSIGN_HIT, use.hits);
	metrics_set(b, METRIC_PKEY_ASSIGN, METRIC_ASSIGN_FREE, use.free);
	metrics_set(b, METRIC_PKEY_ASSIGN, METRIC_ASSIGN_STEAL, use.evict);
	metrics_set(b, METRIC_PKEY_ASSIGN, METRIC_ASSIGN_WAIT, use.waits);
	metrics_set(b, METRIC_PKEY_RETAG_PAGES, 0, use.retagged);
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
	view_key_use(rt, &now);
	view_logs(rt, &now);
	blocks[n++] = &now;
	metrics_text(out, blocks, n);
}
