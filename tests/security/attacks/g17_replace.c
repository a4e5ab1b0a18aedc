/*
 * One name deployed, replaced and removed as fast as it goes while others call
 * it, and a spare isolate waits for a version that is gone: every reply is that
 * of a version that was deployed, the newest once the deployment was answered,
 * and afterwards there is nothing more than before: no file, mapping, key,
 * isolate. Control: with programs that are not ended the same look finds them.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/forged.h"

enum {
	CALLERS = 4,
	SECONDS = 5,
	WARM_S = 1,
	SETTLE_TRIES = 100,
	SETTLE_US = 50000,
	MAPS_SLACK = 64,
	RSS_SLACK = 4 << 20,
};

static struct live live;
static atomic_bool over;
static atomic_uint wrong, served, absent;

/* A version replies its own number. */
static void make(struct good *g, uint64_t version)
{
	uint8_t code[FORGED_CODE_MAX];
	size_t n = forged_read_near(code, FORGED_CODE_MAX);

	forged_make(g);
	(void)memcpy(g->text + GOOD_ENTRY, code, n);
	(void)memcpy(g->text + GOOD_ENTRY + FORGED_CODE_MAX, &version,
		sizeof(version));
}

static uint64_t version_of(const struct reply *r)
{
	uint64_t version = 0;

	if (r->status == 200 && r->len == sizeof(version))
		(void)memcpy(&version, r->body, sizeof(version));
	return version;
}

static void *caller(void *arg)
{
	struct reply *r = calloc(1, sizeof(*r));
	_Atomic uint64_t *newest = arg;
	struct client c;

	client_init(&c, &live.daemon);
	while (r && !atomic_load(&over)) {
		uint64_t version;

		client_invoke(&c, "raced", "12345678", r);
		version = version_of(r);
		if (r->status == 404)
			atomic_fetch_add(&absent, 1);
		else if (version == 0 || version > atomic_load(newest))
			atomic_fetch_add(&wrong, 1);
		else
			atomic_fetch_add(&served, 1);
	}
	client_fini(&c);
	free(r);
	return NULL;
}

/* Returns how many of its own calls had another version than the newest. */
static unsigned hammer(unsigned seconds, _Atomic uint64_t *newest)
{
	time_t until = time(NULL) + (time_t)seconds;
	unsigned stale = 0;
	struct good g;

	while (time(NULL) < until) {
		uint64_t version = atomic_fetch_add(newest, 1) + 1;
		const struct body body = {&g, sizeof(g)};
		int status;

		make(&g, version);
		status = live_object(&live, "raced", &body, "?idle_ttl_ms=500");
		stale += status != 200 && status != 201;
		/* The second one is of a spare, if the first was not. */
		for (unsigned i = 0; i < 2; i++) {
			live_do(&live, "raced", "12345678");
			stale += version_of(&live.reply) != version;
		}
		if (version % 3 == 0) {
			client_delete(&live.client, "raced", &live.reply);
			stale += live.reply.status != 204;
		}
	}
	return stale;
}

static unsigned race(unsigned seconds)
{
	static _Atomic uint64_t newest;
	pthread_t thread[CALLERS];
	unsigned stale;

	atomic_store(&over, false);
	for (unsigned i = 0; i < CALLERS; i++)
		if (pthread_create(&thread[i], NULL, caller, &newest) != 0)
			abort();
	stale = hammer(seconds, &newest);
	atomic_store(&over, true);
	for (unsigned i = 0; i < CALLERS; i++)
		(void)pthread_join(thread[i], NULL);
	client_delete(&live.client, "raced", &live.reply);
	attack_note("%lu versions, %u calls served, %u not found",
		(unsigned long)atomic_load(&newest), served, absent);
	return stale;
}

static int64_t ask(const char *path, const char *key)
{
	char start[64];

	(void)snprintf(start, sizeof(start), "GET %s", path);
	client_send(&live.client, start, "", NULL, &live.reply);
	return reply_number(&live.reply, key);
}

static unsigned files(void)
{
	for (unsigned i = 0; i < SETTLE_TRIES &&
			     daemon_files(&live.daemon, "gvisord-code") > 2;
		i++)
		(void)usleep(SETTLE_US);
	return daemon_files(&live.daemon, "gvisord-code");
}

static void run(void)
{
	static const struct live_options kept = {.without = "programs"};
	struct daemon_use before, after;
	unsigned stale;
	int64_t held;

	live_start(&live, NULL);
	(void)race(WARM_S);
	(void)files();
	daemon_use(&live.daemon, &before);
	stale = race(SECONDS);
	attack_held(files() == 2, "no program's file left");
	daemon_use(&live.daemon, &after);
	attack_held(
		stale == 0, "the newest version answers (%u did not)", stale);
	attack_held(wrong == 0 && served > 0,
		"no reply was of no version (%u were)", wrong);
	attack_held(after.fds <= before.fds, "no descriptor lost: %u, %u",
		before.fds, after.fds);
	attack_held(after.maps <= before.maps + MAPS_SLACK,
		"no mapping lost: %u, %u", before.maps, after.maps);
	attack_held(after.rss <= before.rss + RSS_SLACK,
		"no memory lost: %" PRIu64 ", %" PRIu64 " KiB",
		before.rss >> 10, after.rss >> 10);
	attack_held(live_well(&live) && ask("/v1/isolates", "total") <= 4,
		"no isolate left");
	held = ask("/v1/info", "held");
	attack_held(held <= 4, "no key lost: %" PRId64 " held", held);
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &kept);
	(void)race(WARM_S);
	attack_worked(daemon_files(&live.daemon, "gvisord-code") > 2,
		"programs that are not ended are found");
	(void)live_stop(&live);
}

const struct attack attack_g17 = {
	.id = "G17",
	.name = "native: deploy, replace and remove under load",
	.layer = "who holds a program",
	.off = "the end of programs",
	.run = run,
};
