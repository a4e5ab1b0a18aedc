/*
 * The frame of a signal, written over a victim: refused system calls, with the
 * stack pointer there.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	frames_try_places(&frames_call);
}

const struct attack attack_c03 = {
	.id = "C03",
	.name = "signal frames over a victim: refused system calls",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
