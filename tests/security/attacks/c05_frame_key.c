/*
 * The frame of a signal, written over a victim: accesses to another's key, with
 * the stack pointer there.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	frames_try_places(&frames_key);
}

const struct attack attack_c05 = {
	.id = "C05",
	.name = "signal frames over a victim: accesses to another's key",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
