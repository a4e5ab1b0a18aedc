/*
 * Native isolates take several mappings each, and the kernel allows a process
 * so many. A tenant that uses them up is told so; the daemon and who is there
 * already go on. Control: with as many mappings as usual all are served.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	CROWD = 12,
	SLOTS = 40, /* more than one worker has */
	SETTLE_US = 300000,
	TRIES = 5,
};

static struct live live;
static const unsigned rooms[] = {60, 17, 5, 3, 2, 1, 0};
enum {
	ROOMS = sizeof(rooms) / sizeof(*rooms)
};

static const char limit[] = "/proc/sys/vm/max_map_count";

static unsigned allowed(void)
{
	FILE *f = fopen(limit, "re");
	unsigned n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%u", &n) != 1)
		n = 0;
	(void)fclose(f);
	return n;
}

static void allow(unsigned n)
{
	FILE *f = fopen(limit, "we");

	if (!f)
		return;
	(void)fprintf(f, "%u", n);
	(void)fclose(f);
}

/* How many of a crowd are served; *ret_odd: had an error of no type. */
static unsigned crowd(unsigned from, unsigned n, unsigned *ret_odd)
{
	unsigned served = 0;
	char name[32];

	*ret_odd = 0;
	for (unsigned i = from; i < from + n; i++) {
		(void)snprintf(name, sizeof(name), "crowd%u", i);
		(void)live_probe(&live, name, "x", "?memory_mb=1");
		if (live.reply.status < 400)
			live_do(&live, name, "check");
		if (strcmp(live.reply.body, "whole") == 0)
			served++;
		else if (live.reply.status == 0 || !live.reply.code[0])
			(*ret_odd)++;
	}
	return served;
}

/* With so many mappings more than there are. */
static void squeeze(unsigned from, unsigned room)
{
	struct daemon_use use;
	unsigned n, odd;

	daemon_use(&live.daemon, &use);
	allow(use.maps + room);
	n = crowd(from, CROWD, &odd);
	attack_held(n < CROWD && odd == 0,
		"room for %u: %u served, the others have typed errors", room,
		n);
	attack_held(live_well(&live), "the neighbour is served, and whole");
	live_do(&live, "attacker", "trap");
	/* There may be no place for it to fault in. */
	attack_held((live_is(&live, live_crashed) ||
			    strcmp(live.reply.code, "Limit.Memory") == 0) &&
			    live_well(&live),
		"a fault meanwhile: %s", live.reply.code);
	attack_note(
		"%u of %d served with room for %u mappings", n, CROWD, room);
}

static void leave(unsigned from, unsigned n)
{
	char name[32];

	for (unsigned i = from; i < from + n; i++) {
		(void)snprintf(name, sizeof(name), "crowd%u", i);
		client_delete(&live.client, name, &live.reply);
	}
	(void)usleep(SETTLE_US);
}

/* How many isolates there can be: slots that are not lost. */
static int64_t slots(void)
{
	unsigned odd;
	int64_t n;

	(void)crowd(SLOTS, SLOTS, &odd);
	client_send(&live.client, "GET /v1/isolates", "", NULL, &live.reply);
	n = reply_number(&live.reply, "total");
	leave(SLOTS, SLOTS);
	return n;
}

/* At the limit isolates end as well; their slots are used again. */
static void lost(void)
{
	static const struct live_options small = {.set = "limits.isolates=64"};
	const unsigned usual = allowed();
	int64_t before, after;
	struct daemon_use use;
	unsigned odd;

	live_start(&live, &small);
	before = slots();
	for (size_t i = 0; i < ROOMS; i++) {
		daemon_use(&live.daemon, &use);
		allow(use.maps + rooms[i]);
		(void)crowd(0, CROWD, &odd);
		leave(0, CROWD);
	}
	allow(usual);
	/* One that is lost stays lost; one that is late does not. */
	after = slots();
	for (unsigned i = 0; i < TRIES && after < before; i++)
		after = slots();
	attack_held(after >= before,
		"no slot is lost: %" PRId64 " isolates at once, then %" PRId64,
		before, after);
	attack_held(live_stop(&live), "the daemon ends in peace");
}

static void run(void)
{
	const unsigned usual = allowed();
	unsigned n, odd;

	live_start(&live, NULL);
	(void)live_well(&live);
	for (size_t i = 0; i < ROOMS; i++)
		squeeze((unsigned)i * CROWD, rooms[i]);
	allow(usual);
	attack_held(live_well(&live), "the neighbour still is");
	n = crowd(0, 2 * CROWD, &odd);
	attack_worked(
		n == 2 * CROWD, "with mappings as usual %u are served", n);
	attack_held(live_stop(&live), "the daemon ends in peace");
	lost();
}

const struct attack attack_g27 = {
	.id = "G27",
	.name = "native: use up the mappings a process may have",
	.layer = "typed errors, killed domains",
	.off = "the low limit",
	.run = run,
};
