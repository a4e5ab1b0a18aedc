#pragma once
/*
 * The keeper: the one trusted thread that never runs isolates. It makes the
 * calls that workers may not: maps and tags memory, lends keys, takes memory
 * back, and stops runs that are over their time.
 *
 * Workers send errands and get the isolate back through `done`, on the worker,
 * with iso->result set.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/isolate.h"
#include "util/doorbell.h"

struct runtime;
struct keeper;

/* iso->result where the kernel's limit on mappings is met (core/maps.h). */
#define KEEPER_E_MAPS (-EDQUOT)

/* NULL: no memory. It lasts as long as the process. */
struct keeper *keeper_new(struct runtime *rt);
/* 0 or -errno. The thread's gate set-up is done when this returns. */
int keeper_start(struct keeper *k);
void keeper_stop(struct keeper *k); /* and joins */

/* Maps iso->want bytes, tagged P, hot pages present: READY. */
void keeper_prepare(struct isolate *iso, msg_fn *done);
/* Prepares if need be, gives it a key and pins it. */
void keeper_bind(struct isolate *iso, msg_fn *done);
/* Takes key and memory away; the mapping stays, empty. -errno: something may
 * be left in it, it must not be used again. */
void keeper_recycle(struct isolate *iso, msg_fn *done);

/* Worker: a run with this deadline begins. Rings only if the keeper would
 * sleep past it. */
void keeper_watch(struct keeper *k, uint64_t deadline);
/* Anybody: look again, a key may be free for those that wait, or the runtime is
 * to stop at once. */
void keeper_wake(struct keeper *k);

/* On the keeper's thread: the pages of [at, at+len) go back to the system. */
void keeper_discard(void *at, size_t len);

/*
 * On the keeper's thread: n raw isolates, beside each other, and their slots
 * are as at the start. 0, or -errno: something may be left in a slot, none of
 * them may be used again.
 */
int keeper_blank(struct isolate *of, size_t n);

/* Any other errand: run on the keeper's thread. */
void keeper_post(struct keeper *k, struct msg *msg);

/* A worker's fatal fault: the keeper reports it and ends the process, because
 * the worker can't. */
void keeper_fatal(struct keeper *k, unsigned worker);
