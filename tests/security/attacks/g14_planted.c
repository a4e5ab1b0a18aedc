/*
 * A daemon with a WRPKRU in executable memory that is not the gate's refuses to
 * start. Control: without the scan it starts.
 */
#include "tests/security/attack.h"
#include "tests/security/live.h"

static bool starts(const char *without)
{
	const char *const more[] = {"--isolation", "mpk", "--set",
		"log.level=error", without, NULL};
	struct daemon d;

	if (!daemon_try(&d, attack_daemon, more))
		return false;
	(void)daemon_stop(&d);
	return true;
}

static void run(void)
{
	attack_held(!starts("--without=plant"), "it refuses to start");
	attack_worked(starts("--without=scan"), "without the scan, it starts");
	attack_worked(starts(NULL), "without such an instruction, it starts");
}

const struct attack attack_g14 = {
	.id = "G14",
	.name = "start with a WRPKRU outside of the gate",
	.layer = "the scan at start",
	.off = "the scan",
	.run = run,
};
