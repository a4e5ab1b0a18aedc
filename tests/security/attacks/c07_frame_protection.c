/*
 * The frame of a signal, written over a victim: general protection faults, with
 * the stack pointer there.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	frames_try_places(&frames_hlt);
	frames_try_places(&frames_canonical);
}

const struct attack attack_c07 = {
	.id = "C07",
	.name = "signal frames over a victim: general protection faults",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
