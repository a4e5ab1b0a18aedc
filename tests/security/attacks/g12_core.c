/*
 * A core of the daemon would have every tenant's memory. It is made to crash:
 * handlers left out, so that a function's fault ends it. Control: with what
 * forbids cores left out too, there is one.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

static int crash(const char *without)
{
	const struct live_options opt = {.without = without};

	live_start(&live, &opt);
	live_do(&live, "attacker", "trap");
	return daemon_died(&live.daemon, 20000);
}

static void run(void)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	char dir[] = "/tmp/gvisord-core-XXXXXX";
	int status;

	/* Cores go to the working directory, unless a program takes them. */
	if (!mkdtemp(dir) || chdir(dir) != 0 ||
		setrlimit(RLIMIT_CORE, &all) != 0)
		return;
	status = crash("handlers");
	attack_held(WIFSIGNALED(status) && !WCOREDUMP(status),
		"the daemon died (%#x), and left no core", status);
	status = crash("handlers,core");
	attack_worked(WIFSIGNALED(status) && WCOREDUMP(status),
		"left out, it leaves a core (%#x)", status);
	(void)unlink("core");
	if (chdir("/") != 0)
		return;
	(void)rmdir(dir);
}

const struct attack attack_g12 = {
	.id = "G12",
	.name = "crash the daemon for its core",
	.layer = "no cores, not dumpable",
	.off = "handlers of faults; those",
	.run = run,
};
