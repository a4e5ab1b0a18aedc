/*
 * A core holds the memory of all keys. The daemon gave up writing any; an
 * isolate takes that back and has it die.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void raise_limit(struct box_attack *a)
{
	const struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};

	(void)a;
	box_got(walls_call(SYS_prlimit64, 0, RLIMIT_CORE, (uint64_t)&most, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"the limit raised", raise_limit, SYS_prlimit64,
			.harm = WALLS_MADE},
		WALLS_MAKE(setrlimit, RLIMIT_CORE, OWN(0)),
		WALLS_MAKE(prctl, PR_SET_DUMPABLE, 1),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d26 = {
	.id = "D26",
	.name = "core dumps made possible",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
