/*
 * The frame of a signal, written over a victim: misaligned access with AC set,
 * with the stack pointer there.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	frames_try_places(&frames_align);
}

const struct attack attack_c08 = {
	.id = "C08",
	.name = "signal frames over a victim: misaligned access with AC set",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
