#pragma once
/*
 * What the files of this folder know of a worker, and nobody else does.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "core/ahead.h"
#include "core/isolate.h"
#include "core/pool.h"
#include "core/prepare.h"
#include "core/runtime.h"
#include "core/worker.h"
#include "pkey/gate.h"
#include "util/logring.h"
#include "util/siphash.h"

/*
 * The run word: which run a worker is in, for the keeper's stop. 0: none;
 * else the run's number shifted left, with RUN_STOPPING once the keeper is
 * about to send SIGURG. Worker and keeper swap it; so a SIGURG belongs to one
 * run and can't arrive in a later one (invoke.c, run_end).
 */
enum {
	RUN_STOPPING = 1,
	RUN_STEP = 2
};

/* Why the keeper stops a run. */
enum stop_cause {
	STOP_DEADLINE,
	STOP_CPU
};

enum {
	WORKER_LOGRING_BYTES = 256 << 10
};

struct worker_core {
	struct worker *worker;
	pthread_t thread;
	bool started; /* thread exists */
	pid_t tid;
	unsigned cpu;
	struct gate_thread *gate;
	struct qsbr_reader reader;
	struct pool pool;
	_Atomic uint64_t run;
	_Atomic uint64_t stuck_run; /* the keeper's: goes on for long */
	_Atomic uint64_t deadline;  /* of the present run */
	/* Its CPU time: limit (0: none), this thread's clock as it began, and
	 * when the limit can be met at the earliest. */
	_Atomic uint64_t cpu_ns, cpu_begin, cpu_look;
	_Atomic enum stop_cause stop_cause; /* the keeper's, for its stop */
	uint64_t runs;
	/* Invocations that want an isolate, by the class they need. */
	struct list waiting[ARENA_CLASSES];
	size_t n_waiting;
	struct ahead ahead;
	/* Functions whose invocations wait for a limit, and whose turn is next
	 * (limiter.c). n_blocked is also read by those who could wake them. */
	struct list turns;
	size_t n_turns;
	_Atomic size_t n_blocked;
	uint64_t blocked_until; /* none of them is out of patience before */
	uint64_t share_at;	/* none of those for a share may begin before */
	bool look;		/* at them: something may be free */
	bool relieving;		/* an idle isolate ends for somebody's memory */
	_Atomic bool told;	/* limiter_msg is under way */
	_Atomic bool told_look; /* it makes this worker look */
	struct msg limiter_msg;
	struct siphash_key seed; /* worker_random() */
	uint64_t drawn;
	uint64_t real_offset; /* clock_real() - clock_now(), at start */
	uint64_t next_id;
	struct logring log;
	struct metrics_block metrics;
	const struct worker_loop *loop;
	int setup;		/* result of the thread's set-up */
	const char *setup_what; /* which step failed */
	struct keyline keys;	/* invocations that want a key */
	/* By the worker alone: plain moves. */
	_Atomic uint64_t pin_hits[PRIM_KEYS]; /* by key */
	_Atomic uint64_t key_waits;
	_Atomic uint64_t key_wait_ns;
	/* A buffer on its way to the keeper and back. */
	struct msg idle_msg;
	struct bufpool_block idle_block;
	struct prepare prepare;
	bool idle_out;
	uint64_t give_back_at;
	struct msg nudge[2];	 /* for the drain, for the stop */
	_Atomic uint32_t parked; /* futex of an ended worker; stays 0 */
};

/* Random bytes from the worker's own stream (SipHash in counter mode under a
 * key drawn at start): seeds and canaries of isolates, ids. */
void worker_random(struct worker *w, void *buf, size_t len);

/* Copies into and out of a pinned isolate. The range is the caller's to
 * check (isolate_contains). */
void worker_copy_in(struct worker *w, struct isolate *iso, uint64_t at,
	const void *src, size_t len);
void worker_copy_out(struct worker *w, struct isolate *iso, void *dst,
	uint64_t at, size_t len);

/* Runs on the new worker's thread. */
void *worker_main(void *worker);

/* wait.c: there may be isolates again, or keys, for those that wait. */
void invoke_waiting(struct worker *w);
/* wait.c: refuses those that waited too long; when to look again. */
uint64_t invoke_expire(struct worker *w);
/* wait.c: no isolate; no key, or not before others. */
void invoke_queue(struct worker *w, struct invocation *inv);
void invoke_want_key(struct worker *w, struct invocation *inv);
/* wait.c: an isolate came from the keeper; it ran. fn is held by the caller. */
void invoke_key_back(struct worker *w, struct function *fn, bool shares);
void invoke_key_ran(struct worker *w, struct function *fn);
/* invoke.c: it takes a warm isolate, if there is one; an empty one. Either may
 * have it wait for a key. */
bool invoke_warm(struct worker *w, struct invocation *inv);
bool invoke_empty(struct worker *w, struct invocation *inv);
/* Others can run on the isolate that it is about to get. */
bool invoke_shares(const struct invocation *inv);
/* invoke.c: finds it an isolate, or it waits for one. False: for memory. */
bool invoke_go(struct worker *w, struct invocation *inv);
/* invoke.c: it may have its turn after a wait. False: it waits again, for a
 * limit. */
bool invoke_again(struct worker *w, struct invocation *inv);
/* invoke.c: the size of slot that it needs. */
enum arena_class invoke_class(const struct invocation *inv);
/* invoke.c: the invocation ends without having run. */
void invoke_fail(struct invocation *inv, enum outcome outcome, const char *why);
/* invoke.c: an idle isolate that holds a key gets one context more by `inv`,
 * which is the caller's. */
void invoke_context(
	struct worker *w, struct isolate *iso, struct invocation *inv);
/* invoke.c: gives the isolate up; the keeper takes its memory. */
void isolate_drop(struct isolate *iso, enum metric_destroy why);
/* The same of one that never had a function. */
void isolate_discard(struct isolate *iso);
