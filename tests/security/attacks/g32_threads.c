/*
 * The outside observer looks at every thread under load: filter, no_new_privs,
 * no core, no tracer, and they are who they were. Control: threads without a
 * filter are found, and another process is not taken for this one.
 */
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/load.h"
#include "tests/security/observer.h"

enum {
	LOOKS = 20,
	PAUSE_US = 50000,
	CONNECTIONS = 6,
};

static struct live live;
static struct soak soak;
static struct observer eye;

static void controls(void)
{
	static const struct live_options bare = {.without = "filter"};
	unsigned n;

	live_start(&live, &bare);
	if (!observer_init(&eye, live.daemon.pid, load_hush))
		return;
	n = observer_threads(&eye);
	attack_worked(n >= eye.n_tasks,
		"each of %u threads without a filter is found", eye.n_tasks);
	eye.start_time++;
	attack_worked(observer_threads(&eye) == n + 1,
		"a process that began at another time is found");
	eye.start_time--;
	eye.task[1]++;
	attack_worked(observer_threads(&eye) == n + 1,
		"a thread that is another is found");
	observer_fini(&eye);
	(void)live_stop(&live);
}

static void run(void)
{
	live_start(&live, NULL);
	if (!load_start(&soak, &live, CONNECTIONS) ||
		!observer_init(&eye, live.daemon.pid, attack_say))
		return;
	for (unsigned i = 0; i < LOOKS; i++) {
		attack_held(observer_threads(&eye) == 0, "look %u", i);
		(void)usleep(PAUSE_US);
	}
	attack_held(load_stop(&soak), "all the while, all replies were right");
	observer_fini(&eye);
	attack_held(live_stop(&live), "the daemon ends in peace");
	controls();
}

const struct attack attack_g32 = {
	.id = "G32",
	.name = "observer: every thread's filter and rights, under load",
	.layer = "seccomp, no_new_privs",
	.off = "the filters",
	.run = run,
};
