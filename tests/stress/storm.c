/*
 * The soak without keys: faults, timeouts, memory bombs and system calls by the
 * thousand while neighbours are served: no wrong reply, and afterwards the
 * daemon uses no more memory, isolates, descriptors or threads than before. It
 * may have 64 isolates in all, so that one lost per death would show soon. With
 * keys the security evaluation does it (attack G80).
 *
 * usage: storm GVISORD-PROBE COUNT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/probe/daemon.h"
#include "tests/stress/tap.h"
#include "tests/stress/soak.h"

enum {
	WARM_UP = 100, /* deaths */
	LOOK_US = 20000,
	QUIET_US = 500000,
	RSS_SLACK = 2 << 20,
	MAPS_SLACK = 64,
	CONNECTIONS = 8,
	AFTER = 20, /* functions that are still served at the end */
};

static struct daemon the_daemon;
static struct soak soak = {.daemon = &the_daemon, .say = tap_say};

static void storm(unsigned count)
{
	unsigned until = atomic_load(&soak.deaths) + count;

	soak_start(&soak, CONNECTIONS);
	while (atomic_load(&soak.deaths) < until)
		(void)usleep(LOOK_US);
	soak_stop(&soak);
	(void)usleep(QUIET_US);
}

static int64_t ask_number(struct client *c, const char *path, const char *key)
{
	static struct reply r;
	char start[64];

	(void)snprintf(start, sizeof(start), "GET %s", path);
	client_send(c, start, "", NULL, &r);
	return reply_number(&r, key);
}

static void compare(const struct daemon_use *a, const struct daemon_use *b)
{
	tap_say("before: %u descriptors, %u threads, %u mappings, %" PRIu64
		" KiB; after: %u, %u, %u, %" PRIu64,
		a->fds, a->tasks, a->maps, a->rss >> 10, b->fds, b->tasks,
		b->maps, b->rss >> 10);
	tap_ok(b->fds <= a->fds, "no descriptor lost");
	tap_ok(b->tasks == a->tasks && daemon_same(&the_daemon),
		"same process, same threads");
	tap_ok(b->rss <= a->rss + RSS_SLACK, "no memory lost");
	tap_ok(b->maps <= a->maps + MAPS_SLACK, "no mapping lost");
}

static void try_after(struct client *c)
{
	static struct reply r;
	char name[32];
	unsigned good = 0;

	for (unsigned i = 0; i < AFTER; i++) {
		(void)snprintf(name, sizeof(name), "after%u", i);
		if (client_deploy(c, name, "text/x-faulty", "x", "") != 201)
			continue;
		client_invoke(c, name, "echo here", &r);
		good += r.status == 200 && strcmp(r.body, "here") == 0;
	}
	tap_ok(good == AFTER, "%u of %u functions served afterwards", good,
		AFTER);
}

int main(int argc, char **argv)
{
	static const char *const more[] = {"--isolation", "software", "--set",
		"log.level=error", "--set", "limits.isolates=64", NULL};
	struct daemon_use before, after;
	struct client c;

	if (argc != 3)
		return 2;
	daemon_start(&the_daemon, argv[1], more);
	client_init(&c, &the_daemon);
	tap_ok(soak_deploy(&soak), "%d functions deployed", SOAK_FUNCTIONS);
	tap_ok(client_deploy(
		       &c, "unsafe", "application/x-sharedlib", "x", "") == 503,
		"native code without keys: refused");
	storm(WARM_UP);
	daemon_use(&the_daemon, &before);
	storm((unsigned)strtoul(argv[2], NULL, 10));
	daemon_use(&the_daemon, &after);
	tap_ok(soak_good(&soak), "%u deaths, %u replies, %u deployments",
		soak.deaths, soak.served, soak.deployed);
	compare(&before, &after);
	tap_say("isolates: %" PRId64, ask_number(&c, "/v1/isolates", "total"));
	try_after(&c);
	client_fini(&c);
	tap_ok(daemon_stop(&the_daemon), "the daemon ends in peace");
	return tap_plan();
}
