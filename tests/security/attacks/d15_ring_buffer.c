/*
 * A buffer registered by the runtime is pinned, and its use asks no key: an
 * isolate that gets such an operation going has the kernel write out what is
 * in it now.
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper: a ring with the heap registered, and an operation in its queue. */
static void make_ring(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	struct io_uring_params p = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 4, &p);
	const struct iovec v = {b->vault->heap, 4096};
	int fd[2];
	char *sq;
	struct io_uring_sqe *sqe;

	CHECK(ring >= 0 && pipe2(fd, O_NONBLOCK) == 0);
	CHECK(syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v,
		      1) == 0);
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(uint32_t),
		PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE,
		MAP_SHARED, ring, IORING_OFF_SQES);
	CHECK(sq != MAP_FAILED && sqe != MAP_FAILED);
	sqe->opcode = IORING_OP_WRITE_FIXED;
	sqe->fd = fd[1];
	sqe->off = UINT64_MAX;
	sqe->addr = (uint64_t)b->vault->heap;
	sqe->len = 8;
	((uint32_t *)(void *)(sq + p.sq_off.array))[0] = 0;
	((uint32_t *)(void *)(sq + p.sq_off.tail))[0] = 1;
	a->n[0] = (uint64_t)ring;
	a->n[1] = (uint64_t)fd[0];
}

/* U. */
static void submit(struct box_attack *a)
{
	uint64_t got = 0;

	(void)walls_call(SYS_io_uring_enter, a->n[0], 1, 0, 0);
	(void)walls_call(SYS_read, a->n[1], (uint64_t)&got, 8, 0);
	box_got(got);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"WRITE_FIXED of the heap", submit, SYS_io_uring_enter,
			.harm = WALLS_LEAKED, .before = make_ring},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d15 = {
	.id = "D15",
	.name = "a registered buffer used for an isolate",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
