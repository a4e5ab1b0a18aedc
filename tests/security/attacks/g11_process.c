/*
 * What the daemon gave up at start, seen from outside: gains of rights, cores,
 * being looked into by its own user, system calls of every thread. Control: the
 * same look where that was left out.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	NOBODY = 65534
};

static struct live live;

static const char no_core[] = " 0                    0 ";

/* Root's, not its user's: nobody but root traces it or reads its memory. */
static bool shut(void)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", live.daemon.pid);
	return stat(path, &st) == 0 && st.st_uid == 0;
}

static unsigned threads_with(const char *name, const char *value)
{
	char file[64];
	unsigned n = 0;

	for (unsigned i = 0; i < live.daemon.n_tasks; i++) {
		(void)snprintf(file, sizeof(file), "task/%d/status",
			live.daemon.task[i]);
		n += daemon_says(&live.daemon, file, name, value);
	}
	return n;
}

static void cases(void)
{
	static const struct live_options opt = {.uid = NOBODY};
	unsigned n;

	live_start(&live, &opt);
	n = live.daemon.n_tasks;
	attack_held(threads_with("NoNewPrivs:", "1") == n,
		"no_new_privs in all of %u threads", n);
	attack_held(threads_with("Seccomp:", "2") == n,
		"a filter in all of %u threads", n);
	attack_held(threads_with("CapEff:", "0000000000000000") == n,
		"no capability in any of %u threads", n);
	attack_held(daemon_says(&live.daemon, "limits", "Max core file size",
			    no_core),
		"no core files");
	attack_held(shut(), "its memory is not its user's to open");
	attack_held(live_well(&live), "it works as a user who is not root");
	attack_held(live_stop(&live), "the daemon ends in peace");
}

static void control(void)
{
	static const struct live_options opt = {
		.uid = NOBODY, .without = "core,filter"};

	live_start(&live, &opt);
	attack_worked(!daemon_says(&live.daemon, "limits", "Max core file size",
			      no_core),
		"left out, there would be cores");
	attack_worked(!shut(), "left out, its memory is open to its user");
	attack_worked(threads_with("Seccomp:", "2") == 0,
		"left out, no thread has a filter");
	(void)live_stop(&live);
}

static void run(void)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	(void)setrlimit(RLIMIT_CORE, &all);
	cases();
	control();
}

const struct attack attack_g11 = {
	.id = "G11",
	.name = "look into the daemon as the user it runs as",
	.layer = "no cores, not dumpable",
	.off = "those, and the filters",
	.run = run,
};
