/*
 * The frame of a signal, written over a victim: INT3, INT1 and single steps,
 * with the stack pointer there.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	frames_try_places(&frames_int3);
	frames_try_places(&frames_icebp);
	frames_try_places(&frames_step);
}

const struct attack attack_c06 = {
	.id = "C06",
	.name = "signal frames over a victim: INT3, INT1 and single steps",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
