#pragma once
/*
 * Which functions exist: "tenant/name" -> current version. One writer, the
 * control thread; workers look up without a lock, protected by their
 * quiescent-state announcements (util/qsbr.h).
 */
#include "core/function.h"
#include "util/qsbr.h"

struct registry;

enum registry_e {
	REGISTRY_E_SAME =
		1, /* this very code and options are current already */
	REGISTRY_E_FULL,
	REGISTRY_E_NOT_FOUND,
};

struct registry *registry_new(struct qsbr *qsbr, size_t max_functions);
struct registry *registry_free(struct registry *r);

/* Called on the control thread for each version that is no longer found, or was
 * refused by registry_publish(): its isolates should go. Once, at start. */
typedef void registry_retired_fn(struct function *fn, void *arg);
void registry_on_retire(struct registry *r, registry_retired_fn *fn, void *arg);

/* The version a new registration of id gets. Control thread. */
uint64_t registry_next_version(struct registry *r, const char *id);

/* Workers and control. No reference is taken: the result is good until the
 * caller's next quiescent state; function_get() it to keep it. */
struct function *registry_find(struct registry *r, const char *id, size_t len);

/* Control thread. Takes over the caller's reference on success; else fn is
 * retired and stays the caller's. The version that was current, if any, is
 * retired: calls in flight finish on it. */
int registry_publish(
	struct registry *r, struct function *fn, bool *ret_replaced);
int registry_remove(struct registry *r, const char *id);
/* Is the current version of fn's id the very same code and options? */
bool registry_has(struct registry *r, const struct function *fn);
/* fn was not published and will not be: its isolates go. The reference stays
 * the caller's. */
void registry_discard(struct registry *r, struct function *fn);
size_t registry_count(struct registry *r);

/* In the order of names; fn is good during the call. Stops when visit returns
 * false. `after` NULL or the id to start behind (paging). */
typedef bool registry_visit_fn(struct function *fn, void *arg);
void registry_each(struct registry *r, const char *after,
	registry_visit_fn *visit, void *arg);
