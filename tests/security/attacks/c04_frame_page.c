/*
 * The frame of a signal, written over a victim: page faults, with the
 * stack pointer there.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	frames_try_places(&frames_page);
	frames_try_places(&frames_noexec);
}

const struct attack attack_c04 = {
	.id = "C04",
	.name = "signal frames over a victim: page faults",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
