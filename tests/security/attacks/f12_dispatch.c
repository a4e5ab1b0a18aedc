/*
 * By prctl: off, with a selector of one's own, or with the selector in memory
 * that the runtime may not read.
 */
#include <linux/prctl.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

static void run(void)
{
	static const struct walls_case cases[] = {
		{"off", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0,
				0}},
		{"own selector, blocking the runtime", walls_make, SYS_prctl,
			.harm = WALLS_HARMED,
			.n = {SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0,
				OWN(0)}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f12 = {
	.id = "F12",
	.name = "dispatch switched off, or turned on the runtime",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
