#pragma once
/*
 * Byte string -> pointer. One writer (the control thread, malloc); any number
 * of readers without locks, which must be readers of the map's qsbr. Values
 * belong to the caller, who retires them the same way.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/qsbr.h"
#include "util/siphash.h"

struct map_table;

struct map {
	_Atomic(struct map_table *) table;
	struct siphash_key key;
	struct qsbr *qsbr;
	size_t count;
};

/* qsbr NULL: no readers but the writer. 0 or -ENOMEM. */
int map_init(struct map *m, struct siphash_key key, struct qsbr *qsbr);
/* No readers any more. */
void map_fini(struct map *m);

/* Readers and writer. NULL: not there. */
void *map_get(const struct map *m, const void *key, size_t len);

/* Writer. Copies the key. *ret_old (may be NULL): the value that was replaced,
 * or NULL. value is not NULL. 0 or -ENOMEM, then nothing has changed. */
int map_put(struct map *m, const void *key, size_t len, void *value,
	void **ret_old);
/* Writer. The value that was there, or NULL. */
void *map_del(struct map *m, const void *key, size_t len);

/* Readers and writer, in no order; what is put or deleted meanwhile may or may
 * not be seen. Stops when visit returns false. */
typedef bool map_visit_fn(void *arg, const char *key, size_t len, void *value);
void map_each(const struct map *m, map_visit_fn *visit, void *arg);
