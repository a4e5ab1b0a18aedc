#pragma once
/*
 * A worker's io_uring: the only way a confined worker talks to the kernel.
 *
 * Made by the worker's own thread before confinement (ring_init), used by that
 * thread alone. After confinement only ring_enter() makes a system call, with
 * the worker's cookie; liburing's own submit functions must not be used.
 *
 * Trusted side. Results come from the kernel and are believed, with one
 * exception: a receive's -EFAULT is to be retried by its owner.
 */
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* What an entry carries as user_data; lives until complete() has been called
 * without IORING_CQE_F_MORE in flags. */
struct ring_op {
	void (*complete)(struct ring_op *op, int res, unsigned flags);
};

struct ring {
	struct io_uring u;
	bool left_over; /* the kernel did not take all entries */
	struct ring_op timer;
	struct __kernel_timespec timer_ts;
	uint64_t timer_at; /* when the outstanding timer fires; 0: none */
	uint64_t enters;
};

/* 0 or -errno; -EINVAL or -ENOSYS where the kernel is older than 6.1. */
int ring_init(struct ring *r, unsigned sq_entries, unsigned cq_entries);
void ring_fini(struct ring *r);

/* The next entry, never NULL: a full queue is handed to the kernel first. Fill
 * it with io_uring_prep_*(), then ring_sqe_op(). */
struct io_uring_sqe *ring_sqe(struct ring *r);
/* op NULL: nobody wants to know. */
static inline void ring_sqe_op(struct io_uring_sqe *sqe, struct ring_op *op)
{
	io_uring_sqe_set_data(sqe, op);
}

/* Submits all prepared entries and waits for `min_complete` completions. */
void ring_enter(struct ring *r, unsigned min_complete);

/* Hands over what is prepared, and does not wait. */
void ring_flush(struct ring *r);

/* Calls complete() for everything in the completion queue; returns how many. */
unsigned ring_reap(struct ring *r);

/*
 * After ring_enter() and ring_reap(): every entry from before is with the
 * kernel, and no completion is still to be fetched. Then an entry that the
 * kernel carries out at once (MSG_DONTWAIT) and that completes silently
 * (IOSQE_CQE_SKIP_SUCCESS) has succeeded, unless complete() said otherwise.
 */
static inline bool ring_settled(const struct ring *r)
{
	return !r->left_over &&
	       !(*(volatile unsigned *)r->u.sq.kflags & IORING_SQ_CQ_OVERFLOW);
}

/* There is something for ring_reap(). */
static inline bool ring_has_more(const struct ring *r)
{
	return io_uring_cq_ready(&r->u) > 0;
}

/* See to it that ring_enter() does not sleep past `at` (clock_now() time;
 * UINT64_MAX: may sleep for ever). May wake earlier. */
void ring_wake_at(struct ring *r, uint64_t at);
