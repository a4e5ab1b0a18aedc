#pragma once
/*
 * Where a trusted thread sleeps until another one rings: keeper and control
 * thread. Anyone may ring, workers too; a ring is a system call only while
 * somebody sleeps.
 *
 * The sleeper: seen = doorbell_seen(), then look for work, and if there is none
 * doorbell_wait(seen). A ring between the two makes the wait return at once, so
 * none is lost. The ringer: publish the work, then ring.
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "sandbox/wsys.h"

struct doorbell {
	_Alignas(64) _Atomic uint32_t seq;
	_Atomic uint32_t sleepers;
};

#define DOORBELL_FOREVER UINT64_MAX

static inline void doorbell_init(struct doorbell *db)
{
	atomic_init(&db->seq, 0);
	atomic_init(&db->sleepers, 0);
}

static inline uint32_t doorbell_seen(struct doorbell *db)
{
	return atomic_load(&db->seq);
}

/* Async-signal-safe. */
static inline void doorbell_ring(struct doorbell *db)
{
	/* Both sequentially consistent: either the sleeper's count is seen
	 * here, or the kernel sees the new seq when the sleeper goes down. */
	atomic_fetch_add(&db->seq, 1);
	if (atomic_load(&db->sleepers))
		(void)wsys_futex_wake((uint32_t *)&db->seq, INT_MAX);
}

/* Returns after a ring that came later than `seen`, after timeout_ns, or for no
 * reason. */
static inline void doorbell_wait(
	struct doorbell *db, uint32_t seen, uint64_t timeout_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(timeout_ns / 1000000000),
		.tv_nsec = (long)(timeout_ns % 1000000000),
	};

	atomic_fetch_add(&db->sleepers, 1);
	(void)wsys_futex_wait((uint32_t *)&db->seq, seen,
		timeout_ns == DOORBELL_FOREVER ? NULL : &ts);
	atomic_fetch_sub(&db->sleepers, 1);
}
