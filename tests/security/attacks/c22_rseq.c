/*
 * A restartable sequence registered by the isolate: the kernel then sends the
 * thread to an address of the isolate's choosing when it is preempted, in the
 * gate too. And with the area where the runtime has no rights, the next
 * preemption of the runtime kills the process.
 */
#include <string.h>
#include <sys/rseq.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

enum {
	BYTES = 32
};

/* U. */
static void register_own(struct box_attack *a)
{
	struct rseq *area = (void *)a->area;

	area->cpu_id = (uint32_t)RSEQ_CPU_ID_UNINITIALIZED;
	box_got(walls_call(SYS_rseq, (uint64_t)area, BYTES, 0, RSEQ_SIG));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"in its own memory", register_own, SYS_rseq,
			.harm = WALLS_FATAL},
		WALLS_MAKE(rseq, OWN(0), BYTES, 0, 0x1234),
	};

	WALLS_TRY(cases);
}

const struct attack attack_c22 = {
	.id = "C22",
	.name = "a restartable sequence of the isolate's own",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
