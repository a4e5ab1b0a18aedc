/*
 * More functions than there are keys: most are parked when the attacker reads
 * and writes each one's memory. Control: without keys.
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	CROWD = 24
};

static struct live live;
static uint64_t at[CROWD];

static const char *name_of(unsigned i)
{
	static char name[32];

	(void)snprintf(name, sizeof(name), "crowd%u", i);
	return name;
}

static void gather(const struct live_options *opt)
{
	live_start(&live, opt);
	for (unsigned i = 0; i < CROWD; i++) {
		(void)live_probe(&live, name_of(i), "x", "");
		at[i] = live_ask(&live, name_of(i), "self");
	}
}

static void case_of(unsigned i)
{
	live_do(&live, "attacker", "read %lx", at[i]);
	attack_held(live_is(&live, live_hurt), "read of crowd%u", i);
	live_do(&live, "attacker", "write %lx", at[i]);
	attack_held(live_is(&live, live_hurt), "write to crowd%u", i);
}

static bool whole(unsigned i)
{
	bool same = live_ask(&live, name_of(i), "self") == at[i];

	live_do(&live, name_of(i), "check");
	return same && strcmp(live.reply.body, "whole") == 0;
}

static void run(void)
{
	static const struct live_options soft = {.mode = "software"};
	unsigned read = 0, hurt = 0;

	gather(NULL);
	for (unsigned i = 0; i < CROWD; i++)
		case_of(i);
	for (unsigned i = 0; i < CROWD; i++)
		attack_held(whole(i), "crowd%u is whole, and who it was", i);
	attack_held(live_well(&live), "the neighbour is whole");
	attack_held(live_stop(&live), "the daemon ends in peace");

	gather(&soft);
	for (unsigned i = 0; i < CROWD; i++) {
		read += live_ask(&live, "attacker", "read %lx", at[i]) ==
			LIVE_CANARY;
		live_do(&live, "attacker", "write %lx", at[i]);
	}
	for (unsigned i = 0; i < CROWD; i++)
		hurt += !whole(i);
	attack_worked(read == CROWD, "%u of %u read without keys", read, CROWD);
	attack_worked(hurt == CROWD, "%u of %u hurt without keys", hurt, CROWD);
	(void)live_stop(&live);
}

const struct attack attack_g03 = {
	.id = "G03",
	.name = "live: read and write parked functions, 24 on 13 keys",
	.layer = "protection keys: parked key",
	.off = "keys (software mode)",
	.run = run,
};
