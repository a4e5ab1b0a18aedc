/*
 * The worker moved to another CPU, where its gate page would be another's;
 * made slow, or made to starve the keeper.
 */
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. Any CPU there is. */
static void affinity(struct box_attack *a)
{
	const uint64_t all[16] = {UINT64_MAX};

	(void)a;
	box_got(walls_call(
		SYS_sched_setaffinity, 0, sizeof(all), (uint64_t)all, 0));
}

/* U. SCHED_BATCH: what needs no privilege. */
static void fifo(struct box_attack *a)
{
	const int priority = 0;

	(void)a;
	box_got(walls_call(
		SYS_sched_setscheduler, 0, 3, (uint64_t)&priority, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"sched_setaffinity", affinity, SYS_sched_setaffinity,
			.harm = WALLS_MADE},
		{"sched_setscheduler", fifo, SYS_sched_setscheduler,
			.harm = WALLS_MADE},
		WALLS_MAKE(setpriority, 0, 0, 19),
		WALLS_MAKE(sched_yield, 0),
		WALLS_MAKE(membarrier, 0, 0, 0),
		WALLS_MAKE(ioprio_set, 1, 0, 2 << 13 | 7),
		WALLS_MAKE(getpriority, 0, 0),
		WALLS_MAKE(sched_getaffinity, 0, 128, OWN(0)),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d27 = {
	.id = "D27",
	.name = "sched_*, setpriority, membarrier, ioprio_set",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
