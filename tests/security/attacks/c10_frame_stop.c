/*
 * The frame of a signal, written over a victim: the keeper's stop signal, with
 * the stack pointer there.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	frames_try_places(&frames_stop);
}

const struct attack attack_c10 = {
	.id = "C10",
	.name = "signal frames over a victim: the keeper's stop signal",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
