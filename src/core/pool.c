/*
 * A worker's isolates. Trusted side; one worker's own.
 *
 * Timers: warm isolates stand in a binary heap by the time the pool should look
 * at them again. A call does not move its isolate: when its time comes and it
 * was used since, it is put back with a later time. So the warm path costs
 * nothing here, and an idle isolate is looked at once per time to live.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/keeper.h"
#include "core/limiter.h"
#include "core/pool.h"
#include "core/worker_core.h"
#include "util/clock.h"

/* Timers. ------------------------------------------------------------------ */

static void heap_place(struct pool *p, size_t at, struct isolate *iso)
{
	p->heap[at] = iso;
	iso->timer = at;
}

static void heap_up(struct pool *p, size_t at, struct isolate *iso)
{
	while (at > 1 && p->heap[at / 2]->expires > iso->expires) {
		heap_place(p, at, p->heap[at / 2]);
		at /= 2;
	}
	heap_place(p, at, iso);
}

static void heap_down(struct pool *p, size_t at, struct isolate *iso)
{
	for (;;) {
		size_t child = 2 * at;

		if (child < p->n_heap &&
			p->heap[child + 1]->expires < p->heap[child]->expires)
			child++;
		if (child > p->n_heap ||
			p->heap[child]->expires >= iso->expires)
			break;
		heap_place(p, at, p->heap[child]);
		at = child;
	}
	heap_place(p, at, iso);
}

static void heap_add(struct pool *p, struct isolate *iso)
{
	CHECK(p->n_heap < p->count && iso->timer == 0);
	heap_up(p, ++p->n_heap, iso);
}

static void heap_remove(struct pool *p, struct isolate *iso)
{
	size_t at = iso->timer;
	struct isolate *last;

	if (at == 0)
		return;
	iso->timer = 0;
	last = p->heap[p->n_heap--];
	if (last == iso)
		return;
	if (at > 1 && p->heap[at / 2]->expires > last->expires)
		heap_up(p, at, last);
	else
		heap_down(p, at, last);
}

/* Life. -------------------------------------------------------------------- */

int pool_init(struct pool *p, struct worker *w, const struct arena *a,
	const size_t first[ARENA_CLASSES], const size_t count[ARENA_CLASSES])
{
	int r = 0;

	memset(p, 0, sizeof(*p));
	list_init(&p->ready);
	list_init(&p->spares);
	p->worker = w;
	p->arena = a;
	for (enum arena_class c = 0; c < ARENA_CLASSES; c++) {
		p->slots[c] = (struct slots){
			.worker = w,
			.arena = a,
			.class = c,
			.first = first[c],
			.count = count[c],
			.all = p->count,
		};
		p->count += count[c];
	}
	p->ready_bytes = ARENA_COMMON_BYTES;
	p->all = calloc(p->count, sizeof(*p->all));
	p->heap = calloc(p->count + 1, sizeof(struct isolate *));
	if (!p->all || !p->heap)
		return -ENOMEM;
	for (enum arena_class c = 0; c < ARENA_CLASSES && r == 0; c++)
		r = slots_init(&p->slots[c], p->all + p->slots[c].all);
	return r;
}

void pool_fini(struct pool *p)
{
	for (enum arena_class c = 0; c < ARENA_CLASSES; c++)
		slots_fini(&p->slots[c]);
	free(p->all);
	free(p->heap);
	memset(p, 0, sizeof(*p));
}

/* Empty ones. -------------------------------------------------------------- */

static struct isolate *pool_pop(struct list *from)
{
	struct list *l = list_first(from);

	if (!l)
		return NULL;
	list_remove(l);
	return container_of(l, struct isolate, link);
}

struct isolate *pool_take_empty(struct pool *p, size_t bytes)
{
	enum arena_class c = arena_class_of(bytes);
	struct isolate *iso = NULL;

	CHECK(c < ARENA_CLASSES);
	if (bytes == p->ready_bytes && (iso = pool_pop(&p->ready)))
		p->n_ready--;
	if (!iso)
		iso = slots_take(&p->slots[c]);
	/* The last ones may be ready for another size: they can be remapped. */
	if (!iso && c == ARENA_COMMON && (iso = pool_pop(&p->ready))) {
		p->n_ready--;
		iso->state = ISOLATE_RAW;
	}
	return iso;
}

bool pool_has_room(const struct pool *p, const struct function *fn)
{
	enum arena_class c =
		arena_class_of(isolate_bytes(fn->opt.memory_bytes));

	if (p->n_out > 0 || fn->local[p->worker->id].spare)
		return true;
	return slots_left(&p->slots[c]) ||
	       (c == ARENA_COMMON && p->n_ready > 0);
}

void pool_return(struct pool *p, struct isolate *iso)
{
	if (iso->state == ISOLATE_READY && iso->mapped == p->ready_bytes &&
		p->n_ready < POOL_READY_MAX) {
		list_push_front(&p->ready, &iso->link);
		p->n_ready++;
		return;
	}
	slots_put(&p->slots[iso->class], iso);
}

static void pool_prepared(struct msg *msg)
{
	struct isolate *iso = container_of(msg, struct isolate, msg);
	struct worker *w = iso->worker;
	struct pool *p = &w->core->pool;

	p->n_ready--;
	p->n_out--;
	iso->state = iso->result == 0 ? ISOLATE_READY : ISOLATE_RAW;
	pool_return(p, iso);
	invoke_waiting(w);
}

void pool_refill(struct pool *p)
{
	while (p->n_ready < POOL_READY_MAX) {
		struct isolate *iso = slots_take(&p->slots[ARENA_COMMON]);

		if (!iso)
			return;
		p->n_ready++;
		p->n_out++;
		iso->state = ISOLATE_PREPARING;
		iso->want = p->ready_bytes;
		keeper_prepare(iso, pool_prepared);
	}
}

/* Spares. ------------------------------------------------------------------ */

/* It is nobody's from here on. */
static void pool_unspare(struct pool *p, struct isolate *iso)
{
	struct function *fn = iso->spare_of;
	struct function_local *local = &fn->local[p->worker->id];

	if (local->spare == iso)
		local->spare = NULL;
	list_remove(&iso->link);
	heap_remove(p, iso);
	iso->spare_of = NULL;
	p->n_spares--;
	function_put(fn);
}

static void pool_discard_spare(struct pool *p, struct isolate *iso)
{
	pool_unspare(p, iso);
	isolate_discard(iso);
}

static bool pool_is_retired(const struct function *fn)
{
	return atomic_load_explicit(&fn->retired, memory_order_relaxed);
}

static void pool_spared(struct msg *msg)
{
	struct isolate *iso = container_of(msg, struct isolate, msg);
	struct pool *p = &iso->worker->core->pool;
	struct function *fn = iso->spare_of;
	struct function_local *local = &fn->local[p->worker->id];

	local->spare_coming = false;
	iso->state = ISOLATE_SPARE;
	if (iso->result < 0 || pool_is_retired(fn)) {
		pool_discard_spare(p, iso);
		return;
	}
	local->spare = iso;
	list_push_front(&p->spares, &iso->link);
	iso->expires = p->worker->now + POOL_SPARE_MS * CLOCK_MS;
	heap_add(p, iso);
}

bool pool_wants_spare(struct pool *p, struct function *fn)
{
	struct function_local *local = &fn->local[p->worker->id];
	uint64_t now = p->worker->now;
	bool again = now < local->cold_until;

	local->cold_until = now + POOL_SPARE_MS * CLOCK_MS;
	return again && fn->program && !local->spare && !local->spare_coming;
}

void pool_want_spare(struct pool *p, struct function *fn)
{
	struct function_local *local = &fn->local[p->worker->id];
	size_t bytes = isolate_bytes(fn->opt.memory_bytes);
	struct isolate *iso;

	if (pool_is_retired(fn) || !isolate_has_room(bytes, fn))
		return;
	if (p->n_spares == POOL_SPARES_MAX) {
		(void)pool_drop_spare(p, arena_class_of(bytes));
		return;
	}
	iso = slots_take(&p->slots[arena_class_of(bytes)]);
	if (!iso)
		return;
	if (limiter_charge(p->worker->rt, fn)) {
		slots_put(&p->slots[iso->class], iso);
		return;
	}
	limiter_charged(iso, fn);
	function_get(fn);
	p->n_spares++;
	local->spare_coming = true;
	iso->spare_of = fn;
	iso->state = ISOLATE_PREPARING;
	iso->want = bytes;
	iso->program = fn->program;
	keeper_prepare(iso, pool_spared);
}

struct isolate *pool_take_spare(struct pool *p, struct function *fn)
{
	struct isolate *iso = fn->local[p->worker->id].spare;

	if (!iso)
		return NULL;
	pool_unspare(p, iso);
	iso->state = ISOLATE_READY;
	return iso;
}

bool pool_drop_spare(struct pool *p, enum arena_class class)
{
	struct isolate *oldest = NULL;

	list_for_each(it, &p->spares)
	{
		struct isolate *iso = container_of(it, struct isolate, link);

		if (iso->class == class)
			oldest = iso;
	}
	if (oldest)
		pool_discard_spare(p, oldest);
	return oldest != NULL;
}

/* Warm ones. --------------------------------------------------------------- */

static void pool_count_idle(struct function *fn, uint32_t by)
{
	atomic_fetch_add_explicit(&fn->stats.idle, by, memory_order_relaxed);
}

struct isolate *pool_take_warm(struct worker *w, struct function *fn)
{
	struct isolate *iso = pool_pop(&fn->local[w->id].idle);

	if (iso)
		pool_count_idle(fn, -1u);
	return iso;
}

static uint64_t pool_due(const struct isolate *iso)
{
	int64_t ttl = iso->fn->opt.idle_ttl_ns;

	return ttl < 0 ? UINT64_MAX : iso->last_used + (uint64_t)ttl;
}

void pool_untake(struct worker *w, struct isolate *iso)
{
	iso->state = ISOLATE_IDLE;
	list_push_front(&iso->fn->local[w->id].idle, &iso->link);
	pool_count_idle(iso->fn, 1);
}

bool pool_resident(struct worker *w, struct function *fn)
{
	struct list *l = list_first(&fn->local[w->id].idle);

	return l &&
	       domain_key(&container_of(l, struct isolate, link)->domain) >= 0;
}

void pool_take(struct isolate *iso)
{
	CHECK(iso->state == ISOLATE_IDLE);
	list_remove(&iso->link);
	pool_count_idle(iso->fn, -1u);
}

bool pool_keep(struct pool *p, struct isolate *iso, uint64_t now)
{
	struct function *fn = iso->fn;

	if (fn->opt.idle_ttl_ns == 0 || pool_is_retired(fn))
		return false;
	iso->last_used = now;
	pool_untake(iso->worker, iso);
	if (iso->timer == 0) {
		iso->expires = pool_due(iso);
		heap_add(p, iso);
	}
	return true;
}

/* Who may end for somebody who waits. */
struct pool_wish {
	enum arena_class class;	    /* ARENA_CLASSES: of any */
	const struct tenant *owner; /* NULL: anybody's */
};

static bool pool_is_owned(const struct function *fn, const struct tenant *owner)
{
	return !owner || fn->opt.owner == owner;
}

static struct isolate *pool_colder(
	struct isolate *a, struct isolate *b, const struct pool_wish *wish)
{
	if (b->state != ISOLATE_IDLE ||
		(wish->class != ARENA_CLASSES && b->class != wish->class) ||
		!pool_is_owned(b->fn, wish->owner))
		return a;
	return !a || b->last_used < a->last_used ? b : a;
}

static struct isolate *pool_coldest_of_all(
	struct pool *p, const struct pool_wish *wish)
{
	struct isolate *best = NULL;

	for (size_t i = 1; i <= p->n_heap; i++)
		best = pool_colder(best, p->heap[i], wish);
	return best;
}

/*
 * The coldest of a few, drawn among many: a list in the order of use would cost
 * each call two cache misses, a walk each eviction thousands. Of 64 drawn, the
 * coldest is among the coldest twentieth 26 times in 27.
 */
static struct isolate *pool_coldest(
	struct pool *p, const struct pool_wish *wish)
{
	struct isolate *best = NULL;

	for (unsigned i = 0; i < POOL_DRAW && p->n_heap > POOL_DRAW; i++) {
		/* Knuth's multiplier: no more is asked of it than to spread. */
		p->drawn = p->drawn * 6364136223846793005u + 1;
		best = pool_colder(
			best, p->heap[1 + (p->drawn >> 32) % p->n_heap], wish);
	}
	return best ? best : pool_coldest_of_all(p, wish);
}

struct isolate *pool_oldest(struct pool *p, enum arena_class class)
{
	return pool_coldest(p, &(struct pool_wish){.class = class});
}

void pool_forget(struct pool *p, struct isolate *iso)
{
	heap_remove(p, iso);
}

static void pool_drop_idle(struct isolate *iso, enum metric_destroy why)
{
	pool_take(iso);
	isolate_drop(iso, why);
}

void pool_evict(struct isolate *iso)
{
	pool_drop_idle(iso, METRIC_DESTROY_PRESSURE);
}

struct isolate *pool_relieve(struct pool *p, const struct tenant *owner)
{
	struct isolate *best = NULL;

	list_for_each(it, &p->spares)
	{
		struct isolate *iso = container_of(it, struct isolate, link);

		if (pool_is_owned(iso->spare_of, owner))
			best = iso;
	}
	if (best) {
		pool_discard_spare(p, best);
		return best;
	}
	best = pool_coldest(
		p, &(struct pool_wish){.class = ARENA_CLASSES, .owner = owner});
	if (best)
		pool_evict(best);
	return best;
}

uint64_t pool_give_back(struct pool *p, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (enum arena_class c = 0; c < ARENA_CLASSES; c++) {
		uint64_t at = slots_give_back(&p->slots[c], now);

		next = at < next ? at : next;
	}
	return next;
}

uint64_t pool_reap(struct pool *p, uint64_t now)
{
	while (p->n_heap && p->heap[1]->expires <= now) {
		struct isolate *iso = p->heap[1];
		uint64_t due;

		if (iso->state == ISOLATE_SPARE) {
			pool_discard_spare(p, iso);
			continue;
		}
		due = pool_due(iso);
		if (iso->state == ISOLATE_IDLE && due <= now) {
			pool_drop_idle(iso, METRIC_DESTROY_TTL);
			continue;
		}
		heap_remove(p, iso);
		/* In use: pool_keep() starts a new timer. */
		if (iso->state != ISOLATE_IDLE)
			continue;
		iso->expires = due;
		heap_add(p, iso);
	}
	return p->n_heap ? p->heap[1]->expires : UINT64_MAX;
}

void pool_purge(struct worker *w, struct function *fn)
{
	struct isolate *spare = fn->local[w->id].spare;
	struct list *l;

	if (spare)
		pool_discard_spare(&w->core->pool, spare);
	while ((l = list_first(&fn->local[w->id].idle)))
		pool_drop_idle(container_of(l, struct isolate, link),
			METRIC_DESTROY_RETIRED);
}
