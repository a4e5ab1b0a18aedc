/*
 * What is left of a tenant in memory that another gets next: everything a fresh
 * isolate can read is scanned for the pattern the one before filled it with, in
 * isolates made when they were called for and in spare ones.
 * Controls: an isolate's scan of itself, and the same with memory that is not
 * taken away in between.
 */
#include <stdio.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	BEFORE = 8,
	AFTER = 24,
	SETTLE_US = 300000,
};

/* Inverted, as the deeds want it. */
#define PATTERN (~0x7e4a47a5ec2e7001u)

static struct live live;
static uint64_t before[BEFORE];

static const char *name_of(const char *tenant, unsigned i)
{
	static char name[32];

	(void)snprintf(name, sizeof(name), "%s/f%u", tenant, i);
	return name;
}

static uint64_t make(const char *name)
{
	(void)live_probe(&live, name, "x", "?memory_mb=1&timeout_ms=5000");
	return live_ask(&live, name, "self");
}

/* Tenant one comes, fills its memory and goes. */
static uint64_t come_and_go(void)
{
	uint64_t found = 0;

	for (unsigned i = 0; i < BEFORE; i++) {
		before[i] = make(name_of("one", i));
		live_do(&live, name_of("one", i), "fill %lx", PATTERN);
		found +=
			live_ask(&live, name_of("one", i), "scan %lx", PATTERN);
	}
	for (unsigned i = 0; i < BEFORE; i++)
		client_delete(&live.client, name_of("one", i), &live.reply);
	(void)usleep(SETTLE_US);
	return found;
}

/* How many of tenant two's isolates lie where one's did, and what they find. */
static unsigned successors(uint64_t *ret_found)
{
	unsigned n = 0;

	*ret_found = 0;
	for (unsigned i = 0; i < AFTER; i++) {
		uint64_t at = make(name_of("two", i));

		for (unsigned j = 0; j < BEFORE; j++)
			n += at == before[j];
		*ret_found +=
			live_ask(&live, name_of("two", i), "scan %lx", PATTERN);
		attack_held(live.reply.status == 200, "two/f%u looks", i);
		/* The next one was made ready meanwhile: a spare. */
		live_do(&live, name_of("two", i), "trap");
		*ret_found +=
			live_ask(&live, name_of("two", i), "scan %lx", PATTERN);
		attack_held(live.reply.status == 200, "its spare looks");
	}
	return n;
}

static void run(void)
{
	const struct live_options usual = {.set = "workers=1"};
	const struct live_options kept = {
		.set = "workers=1", .without = "wipe"};
	uint64_t found;
	unsigned n;

	live_start(&live, &usual);
	attack_worked(come_and_go() > BEFORE,
		"tenant one finds the pattern in its own memory");
	n = successors(&found);
	attack_held(n > 0, "tenant two has %u places of tenant one", n);
	attack_held(found == 0, "tenant two finds it %lu times", found);
	attack_held(live_well(&live), "the neighbour is whole");
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &kept);
	(void)come_and_go();
	n = successors(&found);
	attack_worked(n > 0 && found > 0,
		"with memory left as it was, %u places, found %lu times", n,
		found);
	(void)live_stop(&live);
}

const struct attack attack_g25 = {
	.id = "G25",
	.name = "residue of one tenant in another's fresh isolate",
	.layer = "memory taken away",
	.off = "taking it away",
	.run = run,
};
