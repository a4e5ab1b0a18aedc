/*
 * Native isolates take several mappings each, and the kernel allows a process
 * so many. A tenant that uses them up is told so; the daemon and who is there
 * already go on. Control: with as many mappings as usual all are served.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	CROWD = 48,
	ROOM = 90, /* mappings more than there are */
};

static struct live live;

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
static unsigned crowd(unsigned *ret_odd)
{
	unsigned n = 0;
	char name[32];

	*ret_odd = 0;
	for (unsigned i = 0; i < CROWD; i++) {
		(void)snprintf(name, sizeof(name), "crowd%u", i);
		(void)live_probe(&live, name, "x", "?memory_mb=1");
		if (live.reply.status < 400)
			live_do(&live, name, "check");
		if (strcmp(live.reply.body, "whole") == 0)
			n++;
		else if (live.reply.status == 0 || !live.reply.code[0])
			(*ret_odd)++;
	}
	return n;
}

static void run(void)
{
	const unsigned usual = allowed();
	struct daemon_use use;
	unsigned n, odd;

	live_start(&live, NULL);
	(void)live_well(&live);
	daemon_use(&live.daemon, &use);
	allow(use.maps + ROOM);
	n = crowd(&odd);
	attack_held(n < CROWD && odd == 0,
		"%u served, the others have typed errors (%u have none)", n,
		odd);
	attack_note("%u of %d served with %u mappings allowed", n, CROWD,
		use.maps + ROOM);
	attack_held(live_well(&live), "the neighbour is served, and whole");
	live_refused(&live, live_crashed, "a fault meanwhile", "trap");
	allow(usual);
	attack_held(live_well(&live), "the neighbour still is");
	n = crowd(&odd);
	attack_worked(n == CROWD, "with mappings as usual %u are served", n);
	attack_held(live_stop(&live), "the daemon ends in peace");
}

const struct attack attack_g27 = {
	.id = "G27",
	.name = "native: use up the mappings a process may have",
	.layer = "typed errors, killed domains",
	.off = "the low limit",
	.run = run,
};
