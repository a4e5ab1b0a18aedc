/*
 * Everything at once, for as long as is asked for: 40 functions on the real
 * keys, 16 connections, faults, timeouts, memory bombs, system calls, reads of
 * neighbours, deployments and removals, keys changing hands all the time.
 * Canaries are checked at every call; the observer looks meanwhile; afterwards
 * the daemon uses no more than before. Control: without keys one write to a
 * neighbour, and the canaries tell.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/load.h"
#include "tests/security/observer.h"

enum {
	WARM_UP_S = 2,
	QUIET_US = 1500000,
	LOOK_US = 500000,
	RSS_SLACK = 2 << 20,
	RSS_EACH = 128 << 10, /* of an isolate */
	MAPS_SLACK = 64,
	MAPS_EACH = 12, /* of an isolate with native code */
	/* Of each native function, half of all, one on each of two workers. */
	SPARES = SOAK_FUNCTIONS,
	LIVE_FUNCTIONS = 2, /* the attacker and the neighbour of live.h */
	LEAVE_TRIES = 100,
	LEAVE_US = 50000,
	CONTROL_CONNECTIONS = 16,
};

static struct live live;
static struct soak soak;
static struct observer eye;

static int64_t ask(const char *path, const char *key)
{
	char start[64];

	(void)snprintf(start, sizeof(start), "GET %s", path);
	client_send(&live.client, start, "", NULL, &live.reply);
	return reply_number(&live.reply, key);
}

/* How often a key was taken from one isolate for another. */
static uint64_t steals(void)
{
	static const char series[] = "{result=\"steal\"} ";
	const char *at;

	client_send(&live.client, "GET /metrics", "", NULL, &live.reply);
	at = strstr(live.reply.body, series);
	return at ? strtoull(at + sizeof(series) - 1, NULL, 10) : 0;
}

/* How many isolates have a key, as the list of isolates has it. */
static int64_t keyed(void)
{
	static const char key[] = "\"key\":", none[] = "null";
	int64_t n = 0;

	client_send(&live.client, "GET /v1/isolates", "", NULL, &live.reply);
	for (const char *at = live.reply.body; (at = strstr(at, key)); n++) {
		at += sizeof(key) - 1;
		n -= strncmp(at, none, sizeof(none) - 1) == 0;
	}
	return n;
}

static time_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Returns how many things the observer found wrong. */
static unsigned watch(unsigned seconds)
{
	time_t until = now() + (time_t)seconds;
	unsigned wrong = 0;

	while (now() < until) {
		(void)usleep(LOOK_US);
		wrong += observer_threads(&eye) + observer_keys(&eye);
	}
	return wrong;
}

/* more: isolates that are there now and were not before. */
static void compare(
	const struct daemon_use *a, const struct daemon_use *b, uint64_t more)
{
	attack_note("before: %u descriptors, %u threads, %u mappings, %" PRIu64
		    " KiB; after: %u, %u, %u, %" PRIu64 ", and %" PRIu64
		    " isolates more",
		a->fds, a->tasks, a->maps, a->rss >> 10, b->fds, b->tasks,
		b->maps, b->rss >> 10, more);
	attack_held(b->fds <= a->fds, "no descriptor lost");
	attack_held(b->tasks == a->tasks && daemon_same(&live.daemon),
		"same process, same threads");
	more += SPARES;
	attack_held(b->rss <= a->rss + more * RSS_EACH + RSS_SLACK,
		"no memory lost");
	attack_held(b->maps <= a->maps + more * MAPS_EACH + MAPS_SLACK,
		"no mapping lost");
}

/* Those that hold the code of native functions. */
static unsigned files(void)
{
	return daemon_files(&live.daemon, "gvisord-code");
}

/* A key is an isolate's or free. Two counts that know nothing of each other
 * say so, of forty isolates that share all keys and of the few that are left
 * when the functions are removed. */
static void keys(void)
{
	int64_t busy = ask("/v1/info", "held");
	int64_t left;

	attack_held(busy > 2 && busy == keyed(),
		"each of %" PRId64 " keys held is an isolate's", busy);
	attack_held(soak_remove(&soak), "the functions are removed");
	for (unsigned i = 0; i < LEAVE_TRIES; i++) {
		left = ask("/v1/isolates", "total");
		if (left <= LIVE_FUNCTIONS)
			break;
		(void)usleep(LEAVE_US);
	}
	attack_held(live_well(&live) && left <= LIVE_FUNCTIONS,
		"their isolates go: %" PRId64 " left", left);
	left = ask("/v1/info", "held");
	attack_held(left >= 1 && left <= LIVE_FUNCTIONS && left == keyed(),
		"no key lost: %" PRId64 " held", left);
	attack_held(files() == LIVE_FUNCTIONS,
		"no function's code left: %u of %d", files(), LIVE_FUNCTIONS);
	attack_note("%" PRId64 " keys held, %" PRId64 " without the functions",
		busy, left);
}

static void cases(void)
{
	static const struct live_options opt = {.set = "limits.isolates=128"};
	struct daemon_use before, after;
	int64_t isolates, left;
	uint64_t stolen;

	live_start(&live, &opt);
	if (!load_start(&soak, &live, SOAK_CONNECTIONS) ||
		!observer_init(&eye, live.daemon.pid, attack_say))
		return;
	(void)watch(WARM_UP_S);
	soak_stop(&soak);
	(void)usleep(QUIET_US);
	isolates = ask("/v1/isolates", "total");
	daemon_use(&live.daemon, &before);
	soak_start(&soak, SOAK_CONNECTIONS);
	attack_held(watch(attack_soak) == 0, "the observer saw nothing wrong");
	attack_held(load_stop(&soak), "every reply was right");
	(void)usleep(QUIET_US);
	daemon_use(&live.daemon, &after);
	left = ask("/v1/isolates", "total");
	compare(&before, &after,
		left > isolates ? (uint64_t)(left - isolates) : 0);
	attack_held(observer_code(&eye) == 0, "no instruction was added");
	/* Calls that wait for a key have others start isolates meanwhile. */
	attack_held(
		left <= 3 * SOAK_FUNCTIONS, "%" PRId64 " isolates left", left);
	stolen = steals();
	attack_held(stolen > 0, "keys changed hands");
	attack_note("keys changed hands %" PRIu64 " times", stolen);
	keys();
	attack_held(live_well(&live), "the neighbour is whole");
	observer_fini(&eye);
	attack_held(live_stop(&live), "the daemon ends in peace");
}

/* One of its isolates, each on a worker of its own. */
static bool hurt(void)
{
	bool found = false;
	struct client c;

	for (unsigned i = 0; i < CONTROL_CONNECTIONS && !found; i++) {
		client_init(&c, &live.daemon);
		client_invoke(&c, soak_watcher, "check", &live.reply);
		found = strcmp(live.reply.body, "hurt") == 0;
		client_fini(&c);
	}
	return found;
}

/* Without keys the probe's write hits a neighbour. */
static void control(void)
{
	static const struct live_options soft = {
		.mode = "software", .set = "limits.isolates=128"};

	live_start(&live, &soft);
	if (!load_start(&soak, &live, 1))
		return;
	(void)usleep(QUIET_US);
	soak_stop(&soak);
	attack_worked(
		soak_good(&soak), "without keys, and at peace, all is well");
	live_do(&live, "attacker", "write %lx", soak_canary(&soak));
	attack_worked(hurt(), "a neighbour's canary tells of a write to it");
	(void)live_stop(&live);
}

static void run(void)
{
	cases();
	control();
}

const struct attack attack_g80 = {
	.id = "G80",
	.name = "soak: everything at once, 40 functions on 13 keys",
	.layer = "all of them",
	.off = "keys (software mode)",
	.run = run,
};
