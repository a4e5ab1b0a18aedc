/*
 * The rights that functions run with, read by themselves with RDPKRU: exactly
 * their own key open, S readable, all else shut; in each of more functions
 * than there are keys. Control: the same look in software mode fails.
 */
#include <stdio.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	CROWD = 30,
	KEYS = 16,
	OPEN = 0,
	NO_WRITE = 2,
};

static struct live live;

/* One key that can be written, one other that can be read, neither is 0. */
static bool is_u(uint64_t pkru, unsigned *ret_shared)
{
	unsigned open = 0, readable = 0;

	for (unsigned key = 0; key < KEYS; key++) {
		unsigned bits = pkru >> 2 * key & 3;

		open += bits == OPEN;
		readable += bits == NO_WRITE;
		if (bits == NO_WRITE)
			*ret_shared = key;
	}
	return pkru >> 32 == 0 && (pkru & 1) && open == 1 && readable == 1;
}

static void cases(void)
{
	unsigned first = 0, shared = 0;
	char name[32];

	live_start(&live, NULL);
	for (unsigned i = 0; i < CROWD; i++) {
		(void)snprintf(name, sizeof(name), "crowd%u", i);
		(void)live_probe(&live, name, "x", "");
	}
	for (unsigned i = 0; i < 2 * CROWD; i++) {
		uint64_t pkru;

		(void)snprintf(name, sizeof(name), "crowd%u", i % CROWD);
		pkru = live_ask(&live, name, "pkru");
		attack_held(is_u(pkru, &shared), "PKRU %#lx in %s", pkru, name);
		if (i == 0)
			first = shared;
		attack_held(shared == first, "the same S in %s", name);
	}
	attack_held(live_stop(&live), "the daemon ends in peace");
}

static void run(void)
{
	static const struct live_options soft = {.mode = "software"};
	unsigned shared = 0;
	uint64_t pkru;

	cases();
	live_start(&live, &soft);
	pkru = live_ask(&live, "attacker", "pkru");
	attack_worked(
		live.reply.status == 200 && !is_u(pkru, &shared) && !(pkru & 1),
		"without keys PKRU is %#lx: key 0 open", pkru);
	(void)live_stop(&live);
}

const struct attack attack_g10 = {
	.id = "G10",
	.name = "live: the rights functions run with, read inside",
	.layer = "the gate's WRPKRU",
	.off = "keys (software mode)",
	.run = run,
};
