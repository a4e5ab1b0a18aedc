/*
 * The C library's syscall(), its wrappers, and a system call instruction in
 * the middle of its text: what is asked is who runs, not whose code.
 */
#include <signal.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void by_syscall(struct box_attack *a)
{
	(void)a;
	box_got((uint64_t)syscall(SYS_getpid));
}

/* U. */
static void by_wrapper(struct box_attack *a)
{
	(void)a;
	box_got((uint64_t)getppid());
}

/* U. */
static void by_exit(struct box_attack *a)
{
	(void)a;
	_exit(7);
}

/* U. Nobody is killed by 0. */
static void by_kill(struct box_attack *a)
{
	(void)a;
	box_got((uint64_t)kill(0, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"syscall()", by_syscall, SYS_getpid, .harm = WALLS_MADE},
		{"getppid()", by_wrapper, SYS_getppid, .harm = WALLS_MADE},
		{"_exit()", by_exit, SYS_exit_group, .harm = WALLS_HARMED},
		{"kill()", by_kill, SYS_kill, .harm = WALLS_MADE},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f05 = {
	.id = "F05",
	.name = "the runtime's own code makes the call",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
