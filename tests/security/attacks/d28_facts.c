/*
 * Nothing is written; but what they tell of the daemon, its host and its
 * neighbours is not a function's to know.
 */
#include "tests/security/attack.h"
#include "tests/security/walls.h"

static void run(void)
{
	static const struct walls_case cases[] = {
		WALLS_MAKE(getpid, 0),
		WALLS_MAKE(gettid, 0),
		WALLS_MAKE(getppid, 0),
		WALLS_MAKE(getuid, 0),
		WALLS_MAKE(uname, OWN(0)),
		WALLS_MAKE(sysinfo, OWN(0)),
		WALLS_MAKE(getrusage, 0, OWN(0)),
		WALLS_MAKE(times, OWN(0)),
		WALLS_MAKE(getcwd, OWN(0), 4096),
		WALLS_MAKE(getcpu, OWN(0), 0, 0),
		WALLS_MAKE(getrandom, OWN(0), 16, 0),
		WALLS_MAKE(syslog, 10),
		WALLS_MAKE(stat, (uint64_t) "/", OWN(0)),
		WALLS_MAKE(readlink, (uint64_t) "/proc/self/exe", OWN(0), 100),
		WALLS_MAKE(gettimeofday, OWN(0), 0),
		WALLS_MAKE(clock_getres, 1, OWN(0)),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d28 = {
	.id = "D28",
	.name = "calls that tell of the process and the machine",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
