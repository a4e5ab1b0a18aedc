/*
 * Signals blocked: a fault whose signal is blocked kills the process, and a
 * worker deaf to SIGURG can't be stopped by the keeper.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void block(uint64_t mask)
{
	(void)walls_call(SYS_rt_sigprocmask, SIG_BLOCK, (uint64_t)&mask, 0,
		sizeof(mask));
}

/* U. */
static void fault_blocked(struct box_attack *a)
{
	(void)a;
	block(UINT64_MAX);
	__builtin_trap();
}

/* U. */
static void leave_deaf(struct box_attack *a)
{
	(void)a;
	block((uint64_t)1 << (SIGURG - 1));
	box_done();
}

/* Keeper: is the worker deaf? */
static void look(struct box *b, void *attack)
{
	char path[64];
	char line[128];
	unsigned long blocked = 0;
	FILE *f;

	(void)attack;
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/status", b->tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		(void)sscanf(line, "SigBlk: %lx", &blocked);
	if (f)
		(void)fclose(f);
	b->report->number[0] = blocked >> (SIGURG - 1) & 1;
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"all, then a fault", fault_blocked, SYS_rt_sigprocmask,
			.harm = WALLS_HARMED},
		{"the keeper's", leave_deaf, SYS_rt_sigprocmask,
			.harm = WALLS_SEEN, .after = look},
	};

	WALLS_TRY(cases);
}

const struct attack attack_c19 = {
	.id = "C19",
	.name = "rt_sigprocmask: signals of faults and of the keeper blocked",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
