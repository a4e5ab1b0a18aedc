/*
 * Faults, timeouts and memory bombs, a thousand times each and mixed, while
 * neighbours are served: no wrong reply, and afterwards the daemon uses no more
 * memory, keys, isolates, descriptors or threads than before. It may have 64
 * isolates in all, so that a slot or a key lost per death would show soon.
 *
 * usage: storm GVISORD-PROBE mpk|software COUNT
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/probe/daemon.h"
#include "tests/security/tap.h"

enum {
	ATTACKERS = 4,
	NEIGHBOURS = 2,
	WARM_UP = 10,
	QUIET_US = 500000,
	RSS_SLACK = 2 << 20,
	MAPS_SLACK = 64,
	AFTER = 40, /* functions that are still served at the end */
};

static const char lua_bomb[] = "return function() local t = {} "
			       "while true do t[#t + 1] = "
			       "string.rep('x', 65536) end end";
static const char lua_spin[] = "return function() while true do end end";
static const char lua_neighbour[] =
	"local kept, calls = 'canary', 0\n"
	"return function(e)\n"
	"  calls = calls + 1\n"
	"  return { twice = 2 * e.n, kept = kept, tag = e.tag }\n"
	"end";

/* One way to die, and what the client must hear of it. */
struct death {
	const char *function;
	const char *deed;
	const char *code;
	bool keys; /* needs them: else it would succeed */
};

static const struct death deaths[] = {
	{"faulty", "trap", "Function.Crashed", false},
	{"faulty", "spin", "Sandbox.Timeout", false},
	{"hoarder", "bomb", "Function.OutOfMemory", false},
	{"faulty", "divide", "Function.Crashed", false},
	{"spin", "1", "Sandbox.Timeout", false},
	{"bomb", "1", "Function.OutOfMemory", false},
	{"faulty", "overflow", "Function.Crashed", false},
	{"faulty", "callspin", "Sandbox.Timeout", false},
	{"hoarder", "bomb", "Function.OutOfMemory", false},
	{"faulty", "syscall 27", "Sandbox.SyscallDenied", false},
	{"faulty", "spintext", "Sandbox.Timeout", false},
	{"bomb", "1", "Function.OutOfMemory", false},
	{"faulty", NULL, "Sandbox.MemoryViolation", true},
};
enum {
	DEATHS = sizeof(deaths) / sizeof(*deaths)
};

static struct daemon the_daemon;
static bool with_keys;
static char violation[64];
static atomic_uint next_death, wrong_deaths, served, wrong_replies;
static atomic_bool over;
static unsigned last_death;

/* Attackers. ----------------------------------------------------------------
 */

static void die_once(struct client *c, const struct death *d, struct reply *r)
{
	client_invoke(c, d->function, d->deed ? d->deed : violation, r);
	if (strcmp(r->code, d->code) == 0)
		return;
	if (atomic_fetch_add(&wrong_deaths, 1) < 5)
		tap_say("%s %s: status %d: %.200s", d->function,
			d->deed ? d->deed : violation, r->status, r->body);
}

static void *attack(void *arg)
{
	static __thread struct reply r;
	struct client c;
	unsigned i;

	(void)arg;
	client_init(&c, &the_daemon);
	while ((i = atomic_fetch_add(&next_death, 1)) < last_death) {
		const struct death *d = &deaths[i % DEATHS];

		if (with_keys || !d->keys)
			die_once(&c, d, &r);
	}
	client_fini(&c);
	return NULL;
}

/* Neighbours. ---------------------------------------------------------------
 */

static bool lua_served(struct client *c, unsigned n, struct reply *r)
{
	char request[128], kept[] = "\"kept\":\"canary\"", tag[64];

	(void)snprintf(request, sizeof(request), "{\"n\":%u,\"tag\":\"t%u\"}",
		n, n * 7);
	(void)snprintf(tag, sizeof(tag), "\"tag\":\"t%u\"", n * 7);
	client_invoke(c, "neighbour", request, r);
	return r->status == 200 && reply_number(r, "twice") == 2 * (int64_t)n &&
	       strstr(r->body, kept) && strstr(r->body, tag);
}

static bool probe_served(struct client *c, unsigned n, struct reply *r)
{
	char request[64];

	if (n % 2 == 0) {
		client_invoke(c, "watcher", "check", r);
		return r->status == 200 && strcmp(r->body, "whole") == 0;
	}
	(void)snprintf(request, sizeof(request), "echo number %u", n);
	client_invoke(c, "watcher", request, r);
	return r->status == 200 && strcmp(r->body, request + 5) == 0;
}

static void *be_served(void *arg)
{
	static __thread struct reply r;
	struct client c;

	client_init(&c, &the_daemon);
	for (unsigned n = 1; !atomic_load(&over); n++) {
		bool good =
			arg ? lua_served(&c, n, &r) : probe_served(&c, n, &r);

		atomic_fetch_add(&served, 1);
		if (!good && atomic_fetch_add(&wrong_replies, 1) < 5)
			tap_say("neighbour: status %d: %.200s", r.status,
				r.body);
	}
	client_fini(&c);
	return NULL;
}

/* The storm. ----------------------------------------------------------------
 */

static void storm(unsigned count)
{
	pthread_t attacker[ATTACKERS], neighbour[NEIGHBOURS];

	atomic_store(&next_death, 0);
	atomic_store(&over, false);
	last_death = count;
	for (intptr_t i = 0; i < NEIGHBOURS; i++)
		(void)pthread_create(&neighbour[i], NULL, be_served, (void *)i);
	for (int i = 0; i < ATTACKERS; i++)
		(void)pthread_create(&attacker[i], NULL, attack, NULL);
	for (int i = 0; i < ATTACKERS; i++)
		(void)pthread_join(attacker[i], NULL);
	atomic_store(&over, true);
	for (int i = 0; i < NEIGHBOURS; i++)
		(void)pthread_join(neighbour[i], NULL);
}

static void deploy(struct client *c, const char *name, const char *type,
	const char *code, const char *options)
{
	int status = client_deploy(c, name, type, code, options);

	tap_ok(status == 201, "deploy %s: %d", name, status);
}

static void deploy_all(struct client *c)
{
	static struct reply r;
	const char *limits = "?timeout_ms=50&memory_mb=4";
	const char *patient = "?timeout_ms=10000&memory_mb=4";

	deploy(c, "faulty", "text/x-faulty", "x", limits);
	deploy(c, "hoarder", "text/x-faulty", "x", patient);
	deploy(c, "spin", "text/x-lua", lua_spin, limits);
	deploy(c, "bomb", "text/x-lua", lua_bomb, patient);
	deploy(c, "neighbour", "text/x-lua", lua_neighbour, "");
	deploy(c, "watcher", "text/x-faulty", "x", "");
	client_invoke(c, "watcher", "self", &r);
	(void)snprintf(violation, sizeof(violation), "read %.16s", r.body);
}

/* Native code, were it not for keys. */
static void try_refusal(struct client *c)
{
	int status = client_deploy(c, "unsafe", "text/x-probe", "x", "");

	if (with_keys)
		tap_ok(status == 201, "an unsafe engine with keys: deployed");
	else
		tap_ok(status >= 400,
			"an unsafe engine without keys: refused (%d)", status);
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
	tap_ok(b->fds == a->fds, "no descriptor lost");
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
	tap_ok(good == AFTER,
		"%u of %u functions served at the same time "
		"afterwards",
		good, AFTER);
}

int main(int argc, char **argv)
{
	const char *more[] = {"--isolation", argc == 4 ? argv[2] : "", "--set",
		"log.level=error", "--set", "limits.isolates=64", NULL};
	struct daemon_use before, after;
	struct client c;
	unsigned count;
	int64_t isolates;

	if (argc != 4)
		return 2;
	with_keys = strcmp(argv[2], "mpk") == 0;
	count = (unsigned)strtoul(argv[3], NULL, 10);
	daemon_start(&the_daemon, argv[1], more);
	client_init(&c, &the_daemon);
	deploy_all(&c);
	try_refusal(&c);
	storm(WARM_UP * DEATHS);
	(void)usleep(QUIET_US);
	daemon_use(&the_daemon, &before);
	isolates = ask_number(&c, "/v1/isolates", "total");
	storm(count * 3);
	(void)usleep(QUIET_US);
	daemon_use(&the_daemon, &after);
	tap_ok(atomic_load(&wrong_deaths) == 0,
		"%u deaths, each with its own error", count * 3);
	tap_ok(atomic_load(&wrong_replies) == 0 && atomic_load(&served) > count,
		"%u right replies to neighbours, no wrong one",
		atomic_load(&served));
	compare(&before, &after);
	tap_say("isolates: %" PRId64 " before, %" PRId64 " after", isolates,
		ask_number(&c, "/v1/isolates", "total"));
	try_after(&c);
	client_fini(&c);
	tap_ok(daemon_stop(&the_daemon), "the daemon ends in peace");
	return tap_plan();
}
