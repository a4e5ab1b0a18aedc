/*
 * io_uring: a second door for most system calls, which no filter sees.
 */
#include <linux/io_uring.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void make_ring(struct box_attack *a)
{
	struct io_uring_params *p = (void *)a->area;

	p->flags = (uint32_t)a->n[0];
	box_got(walls_call(SYS_io_uring_setup, 4, (uint64_t)p, 0, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"plain", make_ring, SYS_io_uring_setup, .harm = WALLS_MADE,
			.n = {0}},
		{"with a kernel thread", make_ring, SYS_io_uring_setup,
			.harm = WALLS_MADE, .n = {IORING_SETUP_SQPOLL}},
		{"as the runtime makes its own", make_ring, SYS_io_uring_setup,
			.harm = WALLS_MADE,
			.n = {IORING_SETUP_SINGLE_ISSUER |
				IORING_SETUP_DEFER_TASKRUN}},
		WALLS_MAKE(io_setup, 1, OWN(0)),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d12 = {
	.id = "D12",
	.name = "a ring of the isolate's own, in all modes",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
