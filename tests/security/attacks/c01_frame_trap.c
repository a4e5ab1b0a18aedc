/*
 * The frame of a signal, written over a victim: UD2, with the
 * stack pointer there.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	frames_try_places(&frames_trap);
}

const struct attack attack_c01 = {
	.id = "C01",
	.name = "signal frames over a victim: UD2",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
