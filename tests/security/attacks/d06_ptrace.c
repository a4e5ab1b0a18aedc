/*
 * A debugger reads what its process sees, and asks no key. A thread can't be
 * traced by its own process; a child can, and this one shares the victims'
 * memory.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper: a child to trace. It dies with us. */
static void make_child(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	pid_t pid = fork();

	(void)b;
	CHECK(pid >= 0);
	while (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)sleep(20);
		_exit(0);
	}
	a->n[1] = (uint64_t)pid;
}

/* U. */
static void trace_it(struct box_attack *a)
{
	uint64_t got = 0;

	(void)walls_call(SYS_ptrace, PTRACE_ATTACH, a->n[1], 0, 0);
	(void)walls_call(SYS_wait4, a->n[1], 0, __WALL, 0);
	(void)walls_call(SYS_ptrace, PTRACE_PEEKDATA, a->n[1],
		a->place[a->n[0]], (uint64_t)&got);
	(void)walls_call(SYS_kill, a->n[1], SIGKILL, 0, 0);
	box_got(got);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"heap", trace_it, SYS_ptrace, .harm = WALLS_LEAKED,
			.n = {BOX_HEAP}, .before = make_child},
		{"resident isolate", trace_it, SYS_ptrace, .harm = WALLS_LEAKED,
			.n = {BOX_OTHER}, .before = make_child},
		{"parked isolate", trace_it, SYS_ptrace, .harm = WALLS_LEAKED,
			.n = {BOX_PARKED}, .before = make_child},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d06 = {
	.id = "D06",
	.name = "ptrace of a process that shares the memory",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
