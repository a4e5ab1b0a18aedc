/*
 * The outside observer looks for instructions that change rights in all the
 * executable memory of a daemon under load: the gate's and no other. Once as a
 * library, once as the program. Control: a planted one is found.
 */
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/forged.h"
#include "tests/security/load.h"
#include "tests/security/observer.h"

enum {
	LOOKS = 3,
	CONNECTIONS = 6,
};

static struct live live;
static struct soak soak;
static struct observer eye;

/* Its status: the program next to this one. */
static int observer_program(pid_t pid)
{
	char self[256], path[300], number[16];
	int status = -1;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	pid_t child;

	if (n <= 0)
		return -1;
	self[n] = '\0';
	(void)snprintf(path, sizeof(path), "%s/observer", dirname(self));
	(void)snprintf(number, sizeof(number), "%d", pid);
	child = fork();
	if (child == 0) {
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execl(path, path, number, "2", (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Half of it at the end of one segment, half at the start of the next. */
static void native_control(void)
{
	static const struct live_options unseen = {.without = "code"};
	static struct good g;

	live_start(&live, &unseen);
	forged_make(&g);
	g.text[GOOD_PAGE - 1] = forged_wrpkru[0];
	(void)memcpy(g.text2, forged_wrpkru + 1, 2);
	(void)forged_deploy(&live, &g, "");
	live_do(&live, "forged", "1");
	if (!observer_init(&eye, live.daemon.pid, load_hush))
		return;
	attack_worked(observer_code(&eye) > 0,
		"one in a native function's code is found");
	observer_fini(&eye);
	(void)live_stop(&live);
}

static void control(void)
{
	static const struct live_options planted = {.without = "scan"};

	live_start(&live, &planted);
	if (!observer_init(&eye, live.daemon.pid, load_hush))
		return;
	attack_worked(observer_code(&eye) == 1, "a planted WRPKRU is found");
	attack_worked(
		observer_program(live.daemon.pid) == 1, "by the program, too");
	observer_fini(&eye);
	(void)live_stop(&live);
	native_control();
}

static void run(void)
{
	live_start(&live, NULL);
	if (!load_start(&soak, &live, CONNECTIONS) ||
		!observer_init(&eye, live.daemon.pid, attack_say))
		return;
	for (unsigned i = 0; i < LOOKS; i++)
		attack_held(observer_code(&eye) == 0, "look %u", i);
	attack_held(observer_program(live.daemon.pid) == 0,
		"the program agrees, about keys and threads, too");
	attack_note("%u mappings, %lu bytes, %u instructions, the gate's all",
		eye.maps, eye.bytes, eye.instructions);
	attack_held(load_stop(&soak), "all the while, all replies were right");
	attack_held(daemon_same(&live.daemon), "same process, same threads");
	observer_fini(&eye);
	attack_held(live_stop(&live), "the daemon ends in peace");
	control();
}

const struct attack attack_g30 = {
	.id = "G30",
	.name = "observer: instructions that change rights, under load",
	.layer = "scan and filters",
	.off = "the scan, one planted",
	.run = run,
};
