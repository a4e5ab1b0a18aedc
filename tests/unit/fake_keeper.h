#pragma once
/*
 * What isolate.c and pool.c need of their neighbours, played by a test: one
 * worker without a thread, a keeper that notes its errands, memory written
 * directly. Replaces keeper.c, invoke.c and worker.c at link time.
 */
#include "core/worker_core.h"

enum {
	FAKE_ERRANDS = 256
};

struct fake_keeper {
	struct runtime rt;
	struct worker worker;
	struct worker_core core;
	struct metrics_block metrics;
	struct inbox inbox;
	struct doorbell doorbell;
	/* Isolates that were sent to be prepared, in order. */
	struct isolate *errand[FAKE_ERRANDS];
	size_t n_errands;
	/* Isolates that were dropped, in order, and why. */
	struct isolate *dropped[FAKE_ERRANDS];
	enum metric_destroy why[FAKE_ERRANDS];
	size_t n_dropped;
	/* Those that never had a function. */
	struct isolate *discarded[FAKE_ERRANDS];
	size_t n_discarded;
	struct msg *posted;	/* by keeper_post(), for a test to run */
	unsigned blanked;	/* isolates */
	int blank_result;	/* of keeper_blank() */
	struct quota *full;	/* what limiter_charge() says */
	unsigned waiting_calls; /* of invoke_waiting() */
	uint8_t random;		/* what worker_random() fills with */
};

extern struct fake_keeper fake_keeper;

/* Forgets all and makes the worker. */
void fake_keeper_start(void);
/* Answers errand i with a result; the isolate has what it wanted. */
void fake_keeper_answer(size_t i, int result);
/* A function for it; the home inbox is fake_keeper.inbox. */
struct function *fake_function(
	const char *name, int64_t ttl_ns, size_t memory, const char *code);
