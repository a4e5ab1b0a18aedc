/*
 * The child is a process that the daemon knows nothing of, without dispatch
 * and with all descriptors.
 */
#include <signal.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void make_child(struct box_attack *a)
{
	box_got(walls_fork(a->n[0], a->n[1]));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"fork", make_child, SYS_fork, .harm = WALLS_MADE,
			.n = {SYS_fork}},
		{"vfork", make_child, SYS_vfork, .harm = WALLS_MADE,
			.n = {SYS_vfork}},
		{"clone as fork", make_child, SYS_clone, .harm = WALLS_MADE,
			.n = {SYS_clone, SIGCHLD}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f07 = {
	.id = "F07",
	.name = "fork and vfork: a process of the isolate's own",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
