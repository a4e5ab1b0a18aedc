/*
 * Compiled code, offered when nobody asked for it: it would be written where
 * there is no room for it, or become the code of whoever is called next. It is
 * wanted once, from a Lua text that is loaded on trial, before anything of the
 * function has run; a native function has no time for it at all.
 *
 * Control: without that check an offer ends the daemon.
 */
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

static uint64_t own(void)
{
	return live_ask(&live, "attacker", "self");
}

/* In a call, to the length and address that a good offer would have too. */
static void calls(void)
{
	static const uint64_t lengths[] = {
		0, 1, 8, 4096, 1 << 20, 1ul << 63, UINT64_MAX};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		live_refused(&live, live_crashed, "in a call",
			"call %x %lx %lx", INSIDE_COMPILED, own(), lengths[i]);
	live_refused(&live, live_crashed, "in a call, another's memory",
		"call %x %lx 8", INSIDE_COMPILED,
		live_ask(&live, "neighbour", "self"));
	live_refused(&live, live_crashed, "in a call, the runtime's memory",
		"call %x %lx 8", INSIDE_COMPILED,
		live_where(&live, "deeds_secret"));
}

/* When the code is loaded. */
static void loads(void)
{
	static const uint64_t lengths[] = {1, 8, 1 << 20};
	char plan[64];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		(void)snprintf(plan, sizeof(plan), "load %x %lx %lx",
			INSIDE_COMPILED, own(), lengths[i]);
		attack_held(!live_probe(&live, "rude", plan, "?memory_mb=4") &&
				    live_is(&live, live_crashed) &&
				    live_well(&live),
			"at load, %lu bytes: not deployed",
			(unsigned long)lengths[i]);
	}
}

/* When room for a request is asked for. */
static void rooms(void)
{
	static char big[12 << 10] = "echo ";
	char plan[64];

	(void)memset(big + 5, 'x', sizeof(big) - 6);
	(void)snprintf(
		plan, sizeof(plan), "alloc %x %lx 8", INSIDE_COMPILED, own());
	(void)live_probe(&live, "deputy", plan, "?memory_mb=4");
	client_invoke(&live.client, "deputy", big, &live.reply);
	attack_held(live_is(&live, live_crashed) && live_well(&live),
		"in place of room for a request");
}

static void control(void)
{
	static const struct live_options none = {.without = "offers"};

	live_start(&live, &none);
	live_do(&live, "attacker", "call %x %lx 8", INSIDE_COMPILED, own());
	attack_worked(!live_well(&live), "unchecked, it ends the daemon");
	(void)daemon_kill(&live.daemon);
}

static void run(void)
{
	live_start(&live, NULL);
	calls();
	loads();
	rooms();
	attack_held(live_stop(&live), "the daemon ends in peace");
	control();
}

const struct attack attack_g33 = {
	.id = "G33",
	.name = "live: compiled code offered when nobody wants it",
	.layer = "checks of the runtime",
	.off = "the check that it is wanted",
	.run = run,
};
