/*
 * The end of the worker, or of the whole daemon, in one call.
 */
#include "tests/security/attack.h"
#include "tests/security/walls.h"

static void run(void)
{
	static const struct walls_case cases[] = {
		{"exit", walls_make, SYS_exit, .harm = WALLS_HARMED,
			.n = {SYS_exit, 0}},
		{"exit_group", walls_make, SYS_exit_group, .harm = WALLS_HARMED,
			.n = {SYS_exit_group, 0}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f10 = {
	.id = "F10",
	.name = "exit and exit_group",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
