#pragma once
/*
 * A tenant's share of the processors: a bucket of time on workers that fills at
 * a rate and that the tenant's runs empty, on whichever workers they are.
 * Trusted side; any thread; no system call.
 *
 * A run is not interrupted: what it takes above what there was is a debt, which
 * is paid back before the tenant's next run begins.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "util/clock.h"

enum {
	SHARE_PERCENT_MAX = 25600 /* of one processor */
};

/* What the bucket holds: so much of the rate. */
#define SHARE_PERIOD_NS (100 * CLOCK_MS)

/* What one worker does for the tenant. */
struct share_cell {
	/* The run there is charged up to then; 0: there is none. */
	_Alignas(64) _Atomic uint64_t since;
	_Atomic uint64_t used; /* nanoseconds, in all */
};

struct share {
	uint32_t percent; /* 0: no limit, but counted */
	unsigned n_workers;
	struct share_cell *cells;	   /* by worker */
	_Alignas(64) _Atomic uint64_t due; /* when the bucket would be full */
	_Atomic uint64_t mean;		   /* of the runs so far, roughly */
	_Atomic uint32_t coming;	   /* admitted, not begun */
};

/* 0 or -ENOMEM. */
int share_init(struct share *s, uint32_t percent, unsigned n_workers);
void share_fini(struct share *s);

/* 0: one more may begin. Else nanoseconds until then; what runs now makes it
 * later, one that was admitted and turns out short makes it sooner. */
uint64_t share_wait(struct share *s, uint64_t now);
/* One that may begin will. It counts as an average one meanwhile, so that many
 * that have to be made ready first do not all pass. */
void share_admit(struct share *s);
/* It has begun, or will not. */
void share_settle(struct share *s);

/* Around a run on that worker. `begin` is not 0. */
void share_begin(struct share *s, unsigned worker, uint64_t begin);
void share_end(struct share *s, unsigned worker, uint64_t begin, uint64_t end);

/* Nanoseconds of all runs, those under way included. */
uint64_t share_used(struct share *s, uint64_t now);
