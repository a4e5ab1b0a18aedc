/*
 * The frame of a signal, written over a victim: division by zero, with the
 * stack pointer there.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	frames_try_places(&frames_divide);
}

const struct attack attack_c02 = {
	.id = "C02",
	.name = "signal frames over a victim: division by zero",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
