/*
 * The runtime as a deputy: hostcalls that hand it addresses which are not the
 * caller's. It must neither read nor write there. Each number is copied once,
 * out of memory that nobody but the isolate itself can write while its worker
 * reads (its key is lent to one worker), so there is no second look to race.
 *
 * Control: without the check of addresses it gives the memory away.
 */
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	PAGE = 4096,
};

static struct live live;
static char big[3 * PAGE]; /* a request for which room is asked */

/* All that is not the attacker's, at any length. */
static void foreign(const char *what, uint64_t at)
{
	live_refused(&live, live_crashed, what, "reply %lx 8", at);
	live_refused(&live, live_crashed, what, "reply %lx 0", at);
	live_refused(&live, live_crashed, what, "reply %lx 40000", at);
	live_refused(&live, live_crashed, what, "fail %lx 8", at);
	live_do(&live, "attacker", "log %lx 40", at);
	attack_held(live.reply.status == 200 && live_well(&live),
		"a log line out of %s: none", what);
}

/* A call that crashes moves the attacker to another place: it is asked for each
 * time. */
static uint64_t own(void)
{
	return live_ask(&live, "attacker", "self");
}

static uint64_t end(void)
{
	return live_ask(&live, "attacker", "where end");
}

static void foreign_all(void)
{
	foreign("null", 0);
	foreign("the first page", 8);
	foreign("a hole of the address space", 0x7fffffffffff);
	foreign("no address", 0x8000000000000000);
	foreign("the kernel", 0xffffffff81000000);
	foreign("the last byte there is", 0xffffffffffffffff);
	foreign(".data", live_where(&live, "deeds_secret"));
	foreign("text", live_where(&live, "native_in_main"));
	foreign("gate_thread", live_ask(&live, "attacker", "where thread"));
	foreign("the gate page", live_ask(&live, "attacker", "where page"));
	foreign("the C library", live_where(&live, "environ"));
	foreign("the neighbour", live_ask(&live, "neighbour", "self"));
}

/* Addresses of its own, and lengths that lead out. */
static void edges(void)
{
	live_refused(
		&live, live_crashed, "past its end", "reply %lx 8", end() + 1);
	live_refused(
		&live, live_crashed, "past its end", "fail %lx 0", end() + 1);
	live_refused(&live, live_crashed, "the guard below its stack",
		"reply %lx 8",
		live_ask(&live, "attacker", "where stack") - PAGE);
	live_refused(&live, live_crashed, "its own and much more",
		"reply %lx 500000", own());
	live_refused(&live, live_crashed, "one byte too many", "reply %lx 9",
		end() - 8);
	live_refused(&live, live_crashed, "one byte at the end", "reply %lx 1",
		end());
	live_refused(&live, "Function.ResponseSizeTooLarge", "wraps around",
		"reply %lx ffffffffffffffff", own());
	live_refused(&live, "Function.ResponseSizeTooLarge", "wraps to zero",
		"reply %lx %lx", own(), -own());
	live_refused(&live, live_error, "an error text too long is cut",
		"fail %lx ffffffffffffffff", own() - PAGE);
	live_do(&live, "attacker", "log %lx ffffffffffffffff", own());
	attack_held(live.reply.status == 200 && live_well(&live),
		"a log line that wraps around: cut");
	live_do(&live, "attacker", "reply %lx 8", end() - 8);
	attack_held(live.reply.status == 200 && live.reply.len == 8,
		"its own last bytes are its own");
	live_do(&live, "attacker", "reply %lx 0", end());
	attack_held(live.reply.status == 200 && live.reply.len == 0,
		"nothing at its end is nothing");
}

/* Where a large request is to be put. */
static void room(const char *what, uint64_t at)
{
	char code[64];
	bool broken;

	(void)snprintf(code, sizeof(code), "alloc %x %lx", INSIDE_BUFFER, at);
	(void)live_probe(&live, "deputy", code, "?memory_mb=4");
	live_do(&live, "deputy", "%s", "echo small");
	attack_held(live.reply.status == 200, "it serves small requests");
	client_invoke(&live.client, "deputy", big, &live.reply);
	broken = live_is(&live, live_crashed);
	if (!broken)
		live_say(&live);
	attack_held(live_well(&live) && broken, "a request put at %s", what);
}

static void rooms(void)
{
	room("the first page", 8);
	room("the kernel", 0xffffffff81000000);
	room(".data", live_where(&live, "deeds_secret"));
	room("the gate page", live_ask(&live, "attacker", "where page"));
	room("gate_thread", live_ask(&live, "attacker", "where thread"));
	room("the C library", live_where(&live, "environ"));
	room("the neighbour", live_ask(&live, "neighbour", "self"));
	room("past the attacker's end", end() - PAGE);
	room("around the end of all", -(uint64_t)PAGE);
}

static void control(void)
{
	static const struct live_options none = {.without = "pointers"};
	static const uint64_t secret = LIVE_SECRET;
	uint64_t data;
	char code[64];

	live_start(&live, &none);
	data = live_where(&live, "deeds_secret");
	live_do(&live, "attacker", "reply %lx 8", data);
	attack_worked(
		live.reply.len == sizeof(secret) &&
			memcmp(live.reply.body, &secret, sizeof(secret)) == 0,
		"unchecked, a reply gives .data away");
	(void)snprintf(code, sizeof(code), "alloc %x %lx", INSIDE_BUFFER, data);
	(void)live_probe(&live, "deputy", code, "?memory_mb=4");
	client_invoke(&live.client, "deputy", big, &live.reply);
	live_do(&live, "attacker", "reply %lx 8", data);
	attack_worked(memcmp(live.reply.body, &secret, sizeof(secret)) != 0,
		"unchecked, a request overwrites .data");
	(void)daemon_kill(&live.daemon);
}

static void run(void)
{
	(void)memset(big, 'x', sizeof(big) - 1);
	(void)memcpy(big, "echo ", 5);
	live_start(&live, NULL);
	foreign_all();
	edges();
	rooms();
	attack_held(live_stop(&live), "the daemon ends in peace");
	control();
}

const struct attack attack_g08 = {
	.id = "G08",
	.name = "live: hostcalls with addresses that are not the caller's",
	.layer = "checks of the runtime",
	.off = "the check of addresses",
	.run = run,
};
