/*
 * FUTEX_WAKE_OP writes a word; others wake the runtime's threads, or move them
 * to another queue. Here the worker's own rights decide what is written; the
 * cookie is the business of F27.
 */
#include <errno.h>
#include <linux/futex.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void wake_op(struct box_attack *a)
{
	const uint64_t args[6] = {(uint64_t)a->area, FUTEX_WAKE_OP_PRIVATE, 1,
		1, a->place[a->n[0]],
		FUTEX_OP(FUTEX_OP_SET, 0x41, FUTEX_OP_CMP_EQ, 0)};

	(void)walls_call6(SYS_futex, args);
	box_done();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"WAKE_OP on the heap", wake_op, SYS_futex, .keys = EFAULT,
			.harm = WALLS_HURT, .place = BOX_HEAP, .n = {BOX_HEAP}},
		{"WAKE_OP on a resident isolate", wake_op, SYS_futex,
			.keys = EFAULT, .harm = WALLS_HURT, .place = BOX_OTHER,
			.n = {BOX_OTHER}},
		WALLS_MAKE(futex, OWN(0), FUTEX_WAKE, 1),
		WALLS_MAKE(futex, OWN(0), FUTEX_WAKE_PRIVATE, 1),
		WALLS_MAKE(
			futex, PLACE(BOX_HEAP), FUTEX_WAKE_PRIVATE, INT32_MAX),
		WALLS_MAKE(futex, OWN(0), FUTEX_REQUEUE_PRIVATE, 1, 1, OWN(64)),
		WALLS_MAKE(futex, OWN(0), FUTEX_LOCK_PI_PRIVATE),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d18 = {
	.id = "D18",
	.name = "futex operations that write, wake or requeue",
	.layer = "dispatch, seccomp, keys",
	.off = "both, or all three",
	.run = run,
};
