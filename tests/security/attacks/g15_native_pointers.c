/*
 * What only native functions have to hand out: addresses of their own code,
 * constants and relocated pointers. As room for a request they would make the
 * runtime write where nobody may: refused. Replies out of them are the
 * function's own affair; those that lead out of its memory are refused.
 * Control: without the check of addresses the runtime faults there, and dies.
 */
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;
static char big[12 << 10] = "echo ";

static void room(const char *at, bool fits)
{
	char plan[64];
	bool good;

	(void)snprintf(plan, sizeof(plan), "alloc %x %s", INSIDE_BUFFER, at);
	(void)live_probe(&live, "deputy", plan, "?memory_mb=4");
	client_invoke(&live.client, "deputy", big, &live.reply);
	good = fits ? live.reply.status == 200 : live_is(&live, live_crashed);
	if (!good)
		live_say(&live);
	attack_held(live_well(&live) && good, "a request put at %s: %s", at,
		fits ? "served" : live_crashed);
}

static void own(const char *deed, size_t len)
{
	live_do(&live, "attacker", "%s", deed);
	if (!attack_held(live.reply.status == 200 && live.reply.len == len &&
				 live_well(&live),
		    "%s: its own to give", deed))
		live_say(&live);
}

static void rooms(void)
{
	static const char *const refused[] = {"@code", "@code+800", "@constant",
		"@relro", "@image", "@image-1", "@image-2fff", "@behind-ffffff",
		"@end-2ffe", "@end", "@stack-1000", "@stack-1",
		/* Ends, and begins, in what may not be written to. */
		"@code-2f00", "@relro-2fff"};

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		room(refused[i], false);
	/* To the last byte. */
	room("@end-2fff", true);
}

static void replies(void)
{
	static const char *const refused[] = {"reply @end 1", "reply @end-7 8",
		"reply @stack-1 8", "reply @stack-1000 1001",
		"reply @image 400001", "reply @code 3fffff", "fail @end-7 8",
		"fail @stack-8 10", "fail @end+1 0",
		"reply @stack-10000 10000"};

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		live_refused(&live, live_crashed, "out of its memory", "%s",
			refused[i]);
	live_refused(&live, "Function.ResponseSizeTooLarge", "wraps around",
		"reply @code ffffffffffffffff");
	live_refused(&live, "Function.ResponseSizeTooLarge", "half of all",
		"reply @code 8000000000000000");
	own("reply @code 40", 0x40);
	own("reply @constant 8", 8);
	own("reply @relro 8", 8);
	own("reply @image 4000", 0x4000);
	own("reply @behind-8 10", 0x10);
	own("reply @end-8 8", 8);
	own("reply @end 0", 0);
	own("reply @code 0", 0);
	own("log @code 40", 6);
	live_refused(&live, live_error, "an error's text out of code",
		"fail @code 10");
}

static void control(void)
{
	static const struct live_options none = {.without = "pointers"};
	char plan[64];

	live_start(&live, &none);
	(void)snprintf(plan, sizeof(plan), "alloc %x @code", INSIDE_BUFFER);
	(void)live_probe(&live, "deputy", plan, "?memory_mb=4");
	client_invoke(&live.client, "deputy", big, &live.reply);
	attack_worked(daemon_died(&live.daemon, 5000) != 0,
		"unchecked, a request put into code ends the daemon");
}

static void run(void)
{
	(void)memset(big + 5, 'x', sizeof(big) - 6);
	live_start(&live, NULL);
	rooms();
	replies();
	attack_held(live_stop(&live), "the daemon ends in peace");
	control();
}

const struct attack attack_g15 = {
	.id = "G15",
	.name = "native: hostcalls with addresses of code and constants",
	.layer = "checks of the runtime",
	.off = "the check of addresses",
	.run = run,
};
