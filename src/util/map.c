/*
 * Open addressing over pointers to entries, at most half full, linear probing.
 *
 * A reader loads the table once and then slots one by one; each load is an
 * acquire of something published complete. The writer only ever changes one
 * slot or one value at a time; a deleted entry leaves a tombstone, which no
 * insertion reuses, so that a reader that is past the slot misses nothing.
 * Tables are rebuilt when half of the slots were ever used; the old table and
 * removed entries wait for the readers in the map's qsbr.
 */
#include "util/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/err.h"

enum {
	MAP_MIN = 16
};

struct map_entry {
	struct qsbr_node reclaim;
	uint64_t hash;
	_Atomic(void *) value;
	size_t len;
	char key[];
};

struct map_table {
	struct qsbr_node reclaim;
	size_t mask;
	size_t used; /* slots not empty: entries and tombstones */
	_Atomic(struct map_entry *) slot[];
};

static struct map_entry map_tombstone;

_Static_assert(offsetof(struct map_entry, reclaim) == 0 &&
		       offsetof(struct map_table, reclaim) == 0,
	"node_free() frees the whole");

static void node_free(struct qsbr_node *node)
{
	free(node);
}

static void map_retire(struct map *m, struct qsbr_node *node)
{
	if (m->qsbr)
		qsbr_retire(m->qsbr, node, node_free);
	else
		node_free(node);
}

static struct map_table *table_new(size_t slots)
{
	struct map_table *t = calloc(
		1, sizeof(*t) + slots * sizeof(_Atomic(struct map_entry *)));

	if (t)
		t->mask = slots - 1;
	return t;
}

static struct map_entry *slot_get(const struct map_table *t, size_t i)
{
	return atomic_load_explicit(&t->slot[i], memory_order_acquire);
}

static void slot_set(struct map_table *t, size_t i, struct map_entry *e)
{
	atomic_store_explicit(&t->slot[i], e, memory_order_release);
}

static struct map_table *map_table(const struct map *m)
{
	return atomic_load_explicit(&m->table, memory_order_acquire);
}

int map_init(struct map *m, struct siphash_key key, struct qsbr *qsbr)
{
	struct map_table *t = table_new(MAP_MIN);

	if (!t)
		return -ENOMEM;
	*m = (struct map){.key = key, .qsbr = qsbr};
	atomic_init(&m->table, t);
	return 0;
}

void map_fini(struct map *m)
{
	struct map_table *t = map_table(m);

	for (size_t i = 0; t && i <= t->mask; i++) {
		struct map_entry *e = slot_get(t, i);

		if (e != &map_tombstone)
			free(e);
	}
	free(t);
	*m = (struct map){.table = NULL};
}

/* The entry and its slot, or NULL and the empty slot where probing ended. */
static struct map_entry *table_find(const struct map_table *t, uint64_t hash,
	const void *key, size_t len, size_t *ret_slot)
{
	struct map_entry *e;
	size_t i = hash & t->mask;

	for (; (e = slot_get(t, i)) != NULL; i = (i + 1) & t->mask)
		if (e->hash == hash && e->len == len && e != &map_tombstone &&
			memcmp(e->key, key, len) == 0)
			break;
	*ret_slot = i;
	return e;
}

void *map_get(const struct map *m, const void *key, size_t len)
{
	size_t slot;
	struct map_entry *e = table_find(
		map_table(m), siphash(m->key, key, len), key, len, &slot);

	return e ? atomic_load_explicit(&e->value, memory_order_acquire) : NULL;
}

/* Makes sure that one more slot may be used. */
static int map_make_room(struct map *m)
{
	struct map_table *old = map_table(m), *t;
	size_t slots = MAP_MIN;

	if ((old->used + 1) * 2 <= old->mask + 1)
		return 0;
	while (slots < (m->count + 1) * 4)
		slots *= 2;
	t = table_new(slots);
	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i <= old->mask; i++) {
		struct map_entry *e = slot_get(old, i);
		size_t at;

		if (!e || e == &map_tombstone)
			continue;
		CHECK(!table_find(t, e->hash, e->key, e->len, &at));
		slot_set(t, at, e);
		t->used++;
	}
	atomic_store_explicit(&m->table, t, memory_order_release);
	map_retire(m, &old->reclaim);
	return 0;
}

static int map_insert(
	struct map *m, uint64_t hash, const void *key, size_t len, void *value)
{
	struct map_entry *e = malloc(sizeof(*e) + len);
	struct map_table *t;
	size_t slot;

	if (!e || map_make_room(m) != 0) {
		free(e);
		return -ENOMEM;
	}
	e->hash = hash;
	e->len = len;
	atomic_init(&e->value, value);
	memcpy(e->key, key, len);
	t = map_table(m);
	CHECK(!table_find(t, hash, key, len, &slot));
	slot_set(t, slot, e);
	t->used++;
	m->count++;
	return 0;
}

int map_put(
	struct map *m, const void *key, size_t len, void *value, void **ret_old)
{
	uint64_t hash = siphash(m->key, key, len);
	struct map_entry *e;
	void *old = NULL;
	size_t slot;

	CHECK(value);
	e = table_find(map_table(m), hash, key, len, &slot);
	if (e) {
		old = atomic_exchange_explicit(
			&e->value, value, memory_order_acq_rel);
	} else {
		int r = map_insert(m, hash, key, len, value);

		if (r != 0)
			return r;
	}
	if (ret_old)
		*ret_old = old;
	return 0;
}

void *map_del(struct map *m, const void *key, size_t len)
{
	struct map_table *t = map_table(m);
	size_t slot;
	struct map_entry *e =
		table_find(t, siphash(m->key, key, len), key, len, &slot);
	void *value;

	if (!e)
		return NULL;
	value = atomic_load_explicit(&e->value, memory_order_relaxed);
	slot_set(t, slot, &map_tombstone);
	m->count--;
	map_retire(m, &e->reclaim);
	return value;
}

void map_each(const struct map *m, map_visit_fn *visit, void *arg)
{
	const struct map_table *t = map_table(m);

	for (size_t i = 0; i <= t->mask; i++) {
		struct map_entry *e = slot_get(t, i);

		if (!e || e == &map_tombstone)
			continue;
		if (!visit(arg, e->key, e->len,
			    atomic_load_explicit(
				    &e->value, memory_order_acquire)))
			return;
	}
}
