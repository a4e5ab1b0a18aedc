/*
 * What can be seen of the runtime: isolates, keys, the core's metrics. Control
 * thread; reads what workers write, relaxed: each value is right, together they
 * are a snapshot of no single moment.
 */
#include <stdio.h>
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
	ret->key = domain_key(&iso->domain);
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
