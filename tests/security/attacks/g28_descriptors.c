/*
 * Each native function takes a descriptor, and so does each client. A tenant
 * that deploys one after the other is told when it is enough, and new clients
 * are still served. Control: without that bound they are not.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	FILES = 128,
	CLIENTS = 8,
	PATIENCE_MS = 2000,
	PAUSE_MS = 50,
};

static struct live live;

/* Deploys until it is refused, or there can't be more; how many. */
static unsigned deploy_all(void)
{
	char name[32];
	unsigned n = 0;

	for (; n < FILES; n++) {
		(void)snprintf(name, sizeof(name), "many/f%u", n);
		if (!live_probe(&live, name, "x", "?memory_mb=1"))
			break;
	}
	return n;
}

/* How many of so many new clients are served. */
static unsigned new_clients(void)
{
	struct client c[CLIENTS];
	unsigned n = 0;

	for (unsigned i = 0; i < CLIENTS; i++) {
		client_init(&c[i], &live.daemon);
		client_patience(&c[i], PATIENCE_MS);
		client_invoke(&c[i], "neighbour", "echo here", &live.reply);
		n += strcmp(live.reply.body, "here") == 0;
		/* One that waits in vain says enough. */
		if (live.reply.status == 0)
			break;
	}
	for (unsigned i = 0; i < n; i++)
		client_fini(&c[i]);
	return n;
}

/* Its isolates have to end first, on their workers. */
static bool again(void)
{
	for (unsigned i = 0; i < PATIENCE_MS / PAUSE_MS; i++) {
		if (live_probe(&live, "many/again", "x", "?memory_mb=1"))
			return true;
		(void)usleep(PAUSE_MS * 1000);
	}
	return false;
}

static void run(void)
{
	static const struct live_options none = {.without = "files"};
	const struct rlimit few = {FILES, FILES};
	unsigned n;

	if (setrlimit(RLIMIT_NOFILE, &few) != 0)
		return;
	live_start(&live, NULL);
	n = deploy_all();
	attack_held(n > 0 && live.reply.status == 429 &&
			    strcmp(live.reply.code, "Limit.Functions") == 0,
		"after %u of them: status %d %s", n, live.reply.status,
		live.reply.code);
	n = new_clients();
	attack_held(
		n == CLIENTS, "%u of %d new clients are served", n, CLIENTS);
	attack_held(live_well(&live), "the neighbour is whole");
	client_delete(&live.client, "many/f0", &live.reply);
	attack_held(again(), "when one goes another may come");
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &none);
	(void)deploy_all();
	n = new_clients();
	attack_worked(
		n < CLIENTS, "without the bound %u of %d are", n, CLIENTS);
	(void)daemon_kill(&live.daemon);
}

const struct attack attack_g28 = {
	.id = "G28",
	.name = "native: use up the descriptors a process may have",
	.layer = "a bound on programs' files",
	.off = "the bound",
	.run = run,
};
