/*
 * The frame of a signal, written over a victim: floating point exceptions, with
 * the stack pointer there.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	frames_try_places(&frames_simd);
	frames_try_places(&frames_x87);
}

const struct attack attack_c09 = {
	.id = "C09",
	.name = "signal frames over a victim: floating point exceptions",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
