/*
 * The daemon becomes a program of the isolate's choice, with its descriptors
 * and its user.
 */
#include <stddef.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

static const char program[] = "/bin/true";

/* U. */
static void do_exec(struct box_attack *a)
{
	const char *const argv[] = {program, NULL};

	(void)a;
	box_got(walls_call(SYS_execve, (uint64_t)program, (uint64_t)argv,
		(uint64_t)(argv + 1), 0));
}

/* U. */
static void do_execat(struct box_attack *a)
{
	const char *const argv[] = {program, NULL};

	(void)a;
	box_got(walls_call(SYS_execveat, (uint64_t)-100, (uint64_t)program,
		(uint64_t)argv, (uint64_t)(argv + 1)));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"execve", do_exec, SYS_execve, .harm = WALLS_HARMED},
		{"execveat", do_execat, SYS_execveat, .harm = WALLS_HARMED},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f09 = {
	.id = "F09",
	.name = "execve and execveat: another program",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
