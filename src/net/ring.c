/*
 * A worker's io_uring (trusted side).
 *
 * The submission array is the identity for good, so that handing entries over
 * is one store of the tail. Timers: one IORING_OP_TIMEOUT is outstanding at
 * most; it is moved only when something earlier is needed, a wake-up that finds
 * nothing due costs less than a timer per connection.
 */
#include "net/ring.h"

#include <errno.h>
#include <linux/futex.h>

#include "base/check.h"
#include "base/err.h"
#include "sandbox/wsys.h"

enum {
	NSEC_PER_SEC = 1000000000
};

static void timer_complete(struct ring_op *op, int res, unsigned flags)
{
	struct ring *r = container_of(op, struct ring, timer);

	(void)res;
	(void)flags;
	r->timer_at = 0;
}

int ring_init(struct ring *r, unsigned sq_entries, unsigned cq_entries)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
			 IORING_SETUP_SUBMIT_ALL,
		.cq_entries = cq_entries,
	};
	int err;

	*r = (struct ring){.timer.complete = timer_complete};
	err = io_uring_queue_init_params(sq_entries, &r->u, &p);
	if (err < 0)
		return err;
	for (unsigned i = 0; i < r->u.sq.ring_entries; i++)
		r->u.sq.array[i] = i;
	return 0;
}

void ring_fini(struct ring *r)
{
	if (r->u.ring_fd > 0 && r->u.sq.sqes)
		io_uring_queue_exit(&r->u);
	r->u.sq.sqes = NULL;
}

/* The kernel is out of memory, or wants its overflown completions fetched:
 * nothing to do but to let some time pass. */
static void ring_back_off(void)
{
	static const struct timespec ms = {.tv_nsec = 1000000};
	uint32_t never = 0;

	(void)wsys_futex_wait(&never, 0, &ms);
}

static int ring_call(struct ring *r, unsigned min_complete, unsigned flags)
{
	struct io_uring_sq *sq = &r->u.sq;
	unsigned n = sq->sqe_tail - *sq->khead;
	int ret;

	io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
	ret = wsys_io_uring_enter(r->u.ring_fd, n, min_complete, flags);
	r->enters++;
	r->left_over = sq->sqe_tail != io_uring_smp_load_acquire(sq->khead);
	return ret;
}

void ring_enter(struct ring *r, unsigned min_complete)
{
	int ret = ring_call(r, min_complete, IORING_ENTER_GETEVENTS);

	if (ret >= 0 || ret == -EINTR)
		return;
	/* Anything else is a bug of ours or the end of the ring. */
	CHECK(ret == -EAGAIN || ret == -EBUSY);
	ring_back_off();
}

void ring_flush(struct ring *r)
{
	/* What the kernel does not take now it is given the next time. */
	(void)ring_call(r, 0, 0);
}

struct io_uring_sqe *ring_sqe(struct ring *r)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->u);

	while (__builtin_expect(!sqe, 0)) {
		int ret = ring_call(r, 0, 0);

		if (ret < 0 && ret != -EINTR) {
			CHECK(ret == -EAGAIN || ret == -EBUSY);
			ring_back_off();
		}
		sqe = io_uring_get_sqe(&r->u);
	}
	return sqe;
}

unsigned ring_reap(struct ring *r)
{
	struct io_uring_cq *cq = &r->u.cq;
	unsigned n = 0;

	/* The head moves before the handler runs, which may submit. */
	for (;; n++) {
		unsigned head = *cq->khead;
		struct io_uring_cqe cqe;
		struct ring_op *op;

		if (head == io_uring_smp_load_acquire(cq->ktail))
			return n;
		cqe = cq->cqes[head & cq->ring_mask];
		io_uring_smp_store_release(cq->khead, head + 1);
		op = (struct ring_op *)(uintptr_t)cqe.user_data;
		if (op)
			op->complete(op, cqe.res, cqe.flags);
	}
}

void ring_wake_at(struct ring *r, uint64_t at)
{
	struct io_uring_sqe *sqe;

	if (at == UINT64_MAX || (r->timer_at && r->timer_at <= at))
		return;
	r->timer_ts.tv_sec = (long long)(at / NSEC_PER_SEC);
	r->timer_ts.tv_nsec = (long long)(at % NSEC_PER_SEC);
	sqe = ring_sqe(r);
	if (r->timer_at) {
		/* Fails only if the timer has just fired, and then its
		 * completion makes the caller come here again. */
		io_uring_prep_timeout_update(sqe, &r->timer_ts,
			(uintptr_t)&r->timer, IORING_TIMEOUT_ABS);
		ring_sqe_op(sqe, NULL);
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	} else {
		io_uring_prep_timeout(sqe, &r->timer_ts, 0, IORING_TIMEOUT_ABS);
		ring_sqe_op(sqe, &r->timer);
	}
	r->timer_at = at ? at : 1;
}
