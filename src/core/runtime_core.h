#pragma once
/* What the files of this folder know of the runtime, and nobody else does. */
#include "core/arena.h"
#include "core/maps.h"
#include "core/pressure.h"
#include "core/runtime.h"
#include "pkey/domain.h"
#include "pkey/gate.h"
#include "pkey/keys.h"

struct runtime_core {
	struct keys keys;
	struct gate gate;
	struct domain_mux mux;
	struct arena arena;
	struct maps maps;
	const struct worker_loop *loop;
	struct gate_thread *control; /* the first thread's */
	_Atomic unsigned settled;    /* workers whose set-up ended */
	_Atomic unsigned loops;	     /* workers still in their loop */
	struct function *selftest;
	struct list warms;   /* under way; the control thread's */
	struct quota memory; /* mapped budgets of live isolates */
	struct pressure pressure;
	/* Invocations that wait for memory. */
	_Atomic unsigned starving;
	/* For the keeper: something is free, workers who wait should look; all
	 * should look whether they can end an idle isolate. */
	_Atomic bool tell, ask;
	size_t per_worker; /* common slots */
	unsigned foreign;  /* forbidden bytes outside the gate */
};

/* Every trusted thread's first step: rseq off, gate page, alternate stack,
 * PKRU T. 0 or -errno. */
int thread_init(struct runtime *rt, bool pinned, struct gate_thread **ret);

/* Faults and the keeper's SIGURG get through, all else is the first thread's.
 */
int thread_mask(void);

/* control.c: the workers drop the idle isolates of a version that was replaced
 * or removed. arg: the runtime. */
void control_retired(struct function *fn, void *arg);
