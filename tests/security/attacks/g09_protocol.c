/*
 * Hostcalls with numbers that mean nothing, and in an order that is none: a
 * reply before the code is loaded, room that nobody asked for, ends of the
 * wrong kind. Each costs the function its call, or is taken for what it says.
 *
 * Control: the protocol is no wall by itself, but where it leads to the check
 * of addresses that one is: left out, an error "while loading" gives .data
 * away.
 */
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

/* The function answers the load of its code with this. */
static void load(const char *what, const char *code)
{
	bool refused = !live_probe(&live, "rude", code, "?memory_mb=4") &&
		       live.reply.status >= 400 && live.reply.status != 500;

	if (!refused)
		live_say(&live);
	attack_held(live_well(&live) && refused, "at load: %s", what);
	live_do(&live, "rude", "echo x");
	attack_held(live.reply.status == 404, "... and it is not deployed");
}

static void loads(uint64_t own, uint64_t other)
{
	char code[96];

	load("a reply", "load 2 0 0 1");
	load("room nobody asked for", "load 4 0");
	load("an end of no kind", "load 0");
	load("a number past the last", "load 8");
	load("a number of 64 bits", "load ffffffffffffffff");
	load("a number that is right in 32 bits", "load 100000001");
	load("a failure of no kind", "load 3 0 0 0");
	load("a failure past the last", "load 3 9 0 0");
	load("a failure of 64 bits", "load 3 ffffffffffffffff 0 0");
	(void)snprintf(code, sizeof(code), "load 2 %lx 8 1", own);
	load("a reply out of another isolate", code);
	(void)snprintf(code, sizeof(code), "load 3 1 %lx 8", other);
	load("a message out of another isolate", code);
}

/* The same where a request's answer is expected. */
static void invokes(uint64_t own)
{
	static const struct {
		const char *what;
		const char *deed;
	} broken[] = {
		{"ready", "call 1"},
		{"ready, with arguments",
			"call 1 ffffffffffffffff ffffffffffffffff"},
		{"room nobody asked for", "call 4 0"},
		{"room at 1", "call 4 1"},
		{"no number", "call 0"},
		{"a number past the last", "call 8"},
		{"a number of 64 bits", "call ffffffffffffffff"},
		{"a number that is right in 32 bits", "call 100000002 0 0 0"},
		{"a failure of no kind", "call 3 0"},
		{"a failure past the last", "call 3 9"},
		{"a failure of 64 bits", "call 3 8000000000000001"},
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++)
		live_refused(&live, live_crashed, broken[i].what, "%s",
			broken[i].deed);
	for (unsigned kind = INSIDE_FAIL_LOAD; kind <= INSIDE_FAIL_DIED;
		kind++) {
		live_do(&live, "attacker", "call 3 %x %lx 4", kind,
			live_ask(&live, "attacker", "self"));
		attack_held(live.reply.status >= 400 && live.reply.code[0] &&
				    live_well(&live),
			"a failure of kind %u: %s", kind, live.reply.code);
	}
	live_do(&live, "attacker", "call 2 %lx 8 ffffffffffffffff", own);
	attack_held(live.reply.status != 500 && live_well(&live),
		"a reply of no kind");
}

/* Calls that come back. */
static void returning(uint64_t own)
{
	static const char *const deeds[] = {"call 6 ffffffffffffffff",
		"call 6 2", "call 5 ffffffffffffffff 0 0", "call 5 4 0 0",
		"call 5 0 1 ffffffffffffffff"};

	for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
		live_do(&live, "attacker", "%s", deeds[i]);
		attack_held(live.reply.status == 200 && live_well(&live),
			"%s: of no effect", deeds[i]);
	}
	live_do(&live, "attacker", "call 5 80000003 %lx 8", own);
	attack_held(live.reply.status == 200 && live_well(&live),
		"a log line of no level");
	attack_held(live_ask(&live, "attacker", "call 6 1") > 0,
		"the clock still tells the time");
}

/* What else is answered when room is asked for. */
static void rooms(void)
{
	static const char *const codes[] = {"alloc 1", "alloc 2 0 0 1",
		"alloc 0", "alloc 8", "alloc 3 0", "alloc 4 ffffffffffffffff"};
	static char big[12 << 10] = "echo ";

	(void)memset(big + 5, 'x', sizeof(big) - 6);
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		bool broken;

		(void)live_probe(&live, "rude", codes[i], "?memory_mb=4");
		client_invoke(&live.client, "rude", big, &live.reply);
		broken = live_is(&live, live_crashed);
		if (!broken)
			live_say(&live);
		attack_held(live_well(&live) && broken,
			"room asked for, answer \"%s\"", codes[i]);
	}
}

static void control(void)
{
	static const struct live_options none = {.without = "pointers"};
	static const char words[] = "a secret in words";
	char code[96];

	live_start(&live, &none);
	(void)snprintf(code, sizeof(code), "load 3 1 %lx %zx",
		live_where(&live, "deeds_words"), sizeof(words) - 1);
	(void)live_probe(&live, "rude", code, "?memory_mb=4");
	attack_worked(strstr(live.reply.body, words),
		"unchecked, a failure at load gives .data away");
	(void)daemon_kill(&live.daemon);
}

static void run(void)
{
	uint64_t own, other;

	live_start(&live, NULL);
	own = live_ask(&live, "attacker", "self");
	other = live_ask(&live, "neighbour", "self");
	loads(own, other);
	invokes(own);
	returning(own);
	rooms();
	attack_held(live_stop(&live), "the daemon ends in peace");
	control();
}

const struct attack attack_g09 = {
	.id = "G09",
	.name = "live: hostcalls of no number, no kind and no order",
	.layer = "checks of the runtime",
	.off = "the check of addresses",
	.run = run,
};
