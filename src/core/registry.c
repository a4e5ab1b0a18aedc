/*
 * Which functions exist. The control thread writes; workers read the map
 * without a lock. Trusted side.
 */
#include "core/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/err.h"
#include "util/map.h"

struct registry {
	struct map map; /* id -> struct function, for everybody */
	struct qsbr *qsbr;
	struct function **sorted; /* by id, for the control thread */
	size_t count;
	size_t max;
	registry_retired_fn *retired;
	void *retired_arg;
};

struct registry *registry_new(struct qsbr *qsbr, size_t max_functions)
{
	struct registry *r = calloc(1, sizeof(*r));
	struct siphash_key key;

	if (!r)
		return NULL;
	r->sorted = calloc(max_functions, sizeof(*r->sorted));
	r->max = max_functions;
	r->qsbr = qsbr;
	if (r->sorted && getrandom(&key, sizeof(key), 0) == sizeof(key) &&
		map_init(&r->map, key, qsbr) == 0)
		return r;
	free(r->sorted);
	free(r);
	return NULL;
}

struct registry *registry_free(struct registry *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->count; i++)
		function_put(r->sorted[i]);
	map_fini(&r->map);
	free(r->sorted);
	free(r);
	return NULL;
}

struct function *registry_find(struct registry *r, const char *id, size_t len)
{
	return map_get(&r->map, id, len);
}

/* Where id stands, or would stand. */
static size_t registry_place(const struct registry *r, const char *id)
{
	size_t from = 0, to = r->count;

	while (from < to) {
		size_t at = (from + to) / 2;

		if (strcmp(r->sorted[at]->id, id) < 0)
			from = at + 1;
		else
			to = at;
	}
	return from;
}

static struct function *registry_at(
	const struct registry *r, size_t at, const char *id)
{
	if (at < r->count && strcmp(r->sorted[at]->id, id) == 0)
		return r->sorted[at];
	return NULL;
}

void registry_on_retire(struct registry *r, registry_retired_fn *fn, void *arg)
{
	r->retired = fn;
	r->retired_arg = arg;
}

uint64_t registry_next_version(struct registry *r, const char *id)
{
	const struct function *old = registry_at(r, registry_place(r, id), id);

	return old ? old->version + 1 : 1;
}

static bool registry_same(const struct function *a, const struct function *b)
{
	return strcmp(a->digest, b->digest) == 0 &&
	       strcmp(a->opt.entry, b->opt.entry) == 0 &&
	       a->opt.engine == b->opt.engine &&
	       a->opt.memory_bytes == b->opt.memory_bytes &&
	       a->opt.timeout_ns == b->opt.timeout_ns &&
	       a->opt.idle_ttl_ns == b->opt.idle_ttl_ns &&
	       a->opt.max_concurrency == b->opt.max_concurrency &&
	       a->opt.max_rate == b->opt.max_rate &&
	       a->opt.contexts == b->opt.contexts &&
	       a->opt.cpu_ns == b->opt.cpu_ns;
}

static void registry_drop(struct qsbr_node *node)
{
	function_put(container_of(node, struct function, reclaim));
}

/* Its isolates go: those of before, or the one that a trial load left. */
static void registry_dismiss(struct registry *r, struct function *fn)
{
	atomic_store(&fn->retired, true);
	if (r->retired)
		r->retired(fn, r->retired_arg);
}

/* Nobody finds it any more; who found it before may still be at it. */
static void registry_retire(struct registry *r, struct function *fn)
{
	registry_dismiss(r, fn);
	qsbr_retire(r->qsbr, &fn->reclaim, registry_drop);
}

static int registry_enter(
	struct registry *r, struct function *fn, const struct function *old)
{
	if (old && registry_same(old, fn))
		return REGISTRY_E_SAME;
	if (!old && r->count == r->max)
		return REGISTRY_E_FULL;
	fn->version = registry_next_version(r, fn->id);
	return map_put(&r->map, fn->id, strlen(fn->id), fn, NULL);
}

int registry_publish(
	struct registry *r, struct function *fn, bool *ret_replaced)
{
	size_t at = registry_place(r, fn->id);
	struct function *old = registry_at(r, at, fn->id);
	int e = registry_enter(r, fn, old);

	if (e != 0) {
		if (fn != old)
			registry_dismiss(r, fn);
		return e;
	}
	*ret_replaced = old != NULL;
	if (old) {
		r->sorted[at] = fn;
		registry_retire(r, old);
		return 0;
	}
	memmove(&r->sorted[at + 1], &r->sorted[at],
		(r->count - at) * sizeof(*r->sorted));
	r->sorted[at] = fn;
	r->count++;
	return 0;
}

int registry_remove(struct registry *r, const char *id)
{
	size_t at = registry_place(r, id);
	struct function *fn = registry_at(r, at, id);

	if (!fn)
		return REGISTRY_E_NOT_FOUND;
	CHECK(map_del(&r->map, id, strlen(id)) == fn);
	r->count--;
	memmove(&r->sorted[at], &r->sorted[at + 1],
		(r->count - at) * sizeof(*r->sorted));
	registry_retire(r, fn);
	return 0;
}

bool registry_has(struct registry *r, const struct function *fn)
{
	const struct function *current =
		registry_at(r, registry_place(r, fn->id), fn->id);

	return current && registry_same(current, fn);
}

void registry_discard(struct registry *r, struct function *fn)
{
	atomic_store(&fn->retired, true);
	if (r->retired)
		r->retired(fn, r->retired_arg);
}

size_t registry_count(struct registry *r)
{
	return r->count;
}

void registry_each(struct registry *r, const char *after,
	registry_visit_fn *visit, void *arg)
{
	size_t at = 0;

	if (after) {
		at = registry_place(r, after);
		at += registry_at(r, at, after) != NULL;
	}
	for (; at < r->count; at++)
		if (!visit(r->sorted[at], arg))
			return;
}
