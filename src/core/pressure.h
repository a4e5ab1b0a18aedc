#pragma once
/*
 * The daemon's memory as it is, not as it was promised: budgets may add up to
 * far more than there is. When more is resident than should be, idle isolates
 * end, the coldest first, until it is not.
 *
 * Set up before the threads; the look is the keeper's, the ending each
 * worker's.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pkey/gate.h"
#include "util/inbox.h"

struct runtime;
struct worker;

/* What one worker was asked for. */
struct pressure_ask {
	struct msg msg;
	struct worker *worker;
	uint64_t bytes;		/* to be given back, about */
	_Atomic bool under_way; /* else it is the keeper's */
	_Atomic bool dry;	/* nothing was idle any more */
};

struct pressure {
	int statm;
	uint64_t most; /* resident bytes */
	uint64_t look_at;
	uint64_t over_since; /* 0: it is not */
	uint64_t warned;     /* when */
	struct pressure_ask asks[GATE_MAX_THREADS];
};

/* 0 or -errno. most: bytes; 0: nine tenths of what the machine has, or the
 * cgroup that the daemon is in. */
int pressure_init(struct pressure *p, uint64_t most);
/* Keeper, in each turn: when to look again (UINT64_MAX: when there was work).
 */
uint64_t pressure_look(struct pressure *p, struct runtime *rt, uint64_t now);
/* What memory.max of a cgroup allows. path: its line in /proc/self/cgroup
 * behind "0::"; root: where cgroups are mounted. UINT64_MAX: anything. */
uint64_t pressure_cgroup(const char *root, const char *path);
