/*
 * No more descriptors, no more memory, no more processor time: for all.
 */
#include <sys/resource.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void limit(struct box_attack *a)
{
	const struct rlimit none = {0, 0};

	box_got(walls_call(SYS_setrlimit, a->n[0], (uint64_t)&none, 0, 0));
}

/* U. SIGXCPU after a second of it, which nobody handles. */
static void limit_cpu(struct box_attack *a)
{
	const struct rlimit second = {1, 1};

	(void)a;
	(void)walls_call(SYS_prlimit64, 0, RLIMIT_CPU, (uint64_t)&second, 0);
	for (;;)
		__builtin_ia32_pause();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"no descriptors", limit, SYS_setrlimit, .harm = WALLS_MADE,
			.n = {RLIMIT_NOFILE}},
		{"no processor time", limit_cpu, SYS_prlimit64,
			.harm = WALLS_HARMED},
		WALLS_MAKE(getrlimit, RLIMIT_NOFILE, OWN(0)),
	};

	WALLS_TRY(cases);
}

const struct attack attack_f17 = {
	.id = "F17",
	.name = "setrlimit and prlimit64: the daemon's limits",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
