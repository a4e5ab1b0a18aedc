#pragma once
/*
 * One worker: a pinned thread that runs isolates and owns one ring. The core
 * prepares the thread (identity page, alternate stack, filter, dispatch) and
 * hands it to the network floor's loop; the loop gives the core its turn with
 * worker_poll().
 *
 * After worker_confine() the thread makes no system call but those of
 * sandbox/wsys.h, and uses no malloc.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/control.h"
#include "core/invoke.h"
#include "util/bufpool.h"
#include "util/inbox.h"
#include "util/metrics.h"

struct runtime;
struct worker_core; /* the core's own: pools, slots, gate (core/worker.c) */

struct worker {
	uint64_t magic;
	unsigned id; /* 0, 1, ... */
	struct runtime *rt;
	struct bufpool pool;   /* memory for requests and replies */
	struct inbox inbox;    /* from keeper and control thread */
	_Atomic bool sleeping; /* in io_uring_enter, wants wake_fd written */
	int wake_fd;	       /* eventfd; the loop keeps a read armed */
	struct metrics_block *metrics;
	uint64_t now; /* clock_now() as of this turn of the loop */
	struct worker_core *core;
	void *net; /* the network floor's own */
};

/*
 * The network floor's part, one per process. setup runs on each worker thread
 * before confinement (creates the ring, maps what it needs, may malloc);
 * loop runs after it and returns when the runtime stops.
 */
struct worker_loop {
	int (*setup)(struct worker *w, void *arg, int *ret_ring_fd);
	void (*loop)(struct worker *w, void *arg);
	/* On the control thread when the drain begins: take no new clients.
	 * May be NULL. */
	void (*drain)(void *arg);
	/* On the keeper's thread, again and again while w has been in one run
	 * for long: others might take what waits for it. May be NULL. */
	void (*stuck)(struct worker *w, void *arg);
	/* On the worker, before it enters an isolate of fn, for who knows how
	 * long. May be NULL. */
	void (*before_run)(struct worker *w, const struct function *fn);
	void *arg;
};

/*
 * The core's turn: runs messages, continues invocations whose isolate became
 * resident, drops isolates that have been idle too long. Call once per turn of
 * the loop, after completions were handled. Returns when it wants to be called
 * again at the latest (clock_now() time; UINT64_MAX: only on a message).
 */
uint64_t worker_poll(struct worker *w);

/*
 * What can be done while nobody wants anything: a context is prepared for a
 * call to come. It may take as long as a load. Before it, the loop sends what
 * is to be sent and looks for new work; one chore at a time.
 */
bool worker_has_chores(const struct worker *w);
void worker_chore(struct worker *w);

/* Any other thread: deliver a message; msg->run runs on the worker. */
void worker_post(struct worker *w, struct msg *msg);

/*
 * Around the loop's sleep in the kernel. Returns false when messages came in:
 * do not sleep. worker_awake() after it, always.
 */
bool worker_may_sleep(struct worker *w);
void worker_awake(struct worker *w);

/* Any thread: it is in a run at this moment; and for long. */
bool worker_running(const struct worker *w);
bool worker_stuck(const struct worker *w);

/* True once the runtime drains: no new connections, finish what runs, return
 * from the loop when nothing is left or worker_must_stop(). */
bool worker_draining(const struct worker *w);
bool worker_must_stop(const struct worker *w);
