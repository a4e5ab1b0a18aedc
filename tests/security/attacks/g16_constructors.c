/*
 * Constructors that attack while the function is being registered: loops,
 * traps, violations, bombs, hostcalls. Each registration fails with what it
 * was, and nothing of it is left: no isolate, no file, no mapping. Control:
 * without the keeper's signal a registration that loops has no end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	SETTLE_TRIES = 100,
	SETTLE_US = 50000,
	LONGER_MS = 8 * LIVE_TIMEOUT_MS,
};

static struct live live;

static const struct {
	const char *plan;
	const char *code; /* NULL: whatever it is, it is refused */
} plans[] = {
	{"make spin", "Sandbox.Timeout"},
	{"make spintext", "Sandbox.Timeout"},
	{"make callspin", "Sandbox.Timeout"},
	{"make trap", "Function.Crashed"},
	{"make divide", "Function.Crashed"},
	{"make overflow", "Function.Crashed"},
	{"make read 8", "Function.Crashed"},
	{"make write @code", "Function.Crashed"},
	{"make write @page", "Sandbox.MemoryViolation"},
	{"make read @thread", "Sandbox.MemoryViolation"},
	{"make bomb", "Function.OutOfMemory"},
	{"make flood", NULL},
	{"make jump 0", "Function.Crashed"},
	{"make stacktrap 0", "Function.Crashed"},
	{"make hostcall 4d2", "Function.Crashed"},
	{"make reply @code 8", NULL},
	{"make fail @code 8", "Function.Error"},
	{"make call 3 1 @constant 8", "Code.LoadFailed"},
	{"make call 3 8 @constant 8", "Function.Crashed"},
	{"make call 4 @code", NULL},
};
enum {
	PLANS = sizeof(plans) / sizeof(*plans)
};

static int64_t isolates(void)
{
	client_send(&live.client, "GET /v1/isolates", "", NULL, &live.reply);
	return reply_number(&live.reply, "total");
}

static void one(const char *plan, const char *code)
{
	bool refused;

	(void)live_probe(&live, "maker", plan, "?timeout_ms=200&memory_mb=4");
	refused = live.reply.status >= 400 && live.reply.status != 500 &&
		  (!code || strcmp(live.reply.code, code) == 0);
	if (!refused)
		live_say(&live);
	attack_held(live_well(&live) && refused, "%s: %s", plan,
		live.reply.code[0] ? live.reply.code
		: code		   ? code
				   : "refused");
	live_do(&live, "maker", "echo x");
	attack_held(live.reply.status == 404, "... and it is not deployed");
}

static void nothing_left(const struct daemon_use *before, int64_t n)
{
	struct daemon_use after;

	for (unsigned i = 0; i < SETTLE_TRIES && isolates() > n; i++)
		(void)usleep(SETTLE_US);
	daemon_use(&live.daemon, &after);
	attack_held(isolates() <= n, "no isolate left");
	attack_held(after.fds == before->fds, "no descriptor left: %u, %u",
		before->fds, after.fds);
	attack_held(daemon_files(&live.daemon, "gvisord-code") == 2,
		"no program's file left");
}

static void run(void)
{
	static const struct live_options none = {.without = "stop"};
	struct daemon_use before;
	int64_t n;

	live_start(&live, NULL);
	(void)live_well(&live);
	n = isolates();
	daemon_use(&live.daemon, &before);
	for (unsigned i = 0; i < PLANS; i++)
		one(plans[i].plan, plans[i].code);
	nothing_left(&before, n);
	attack_held(live_probe(&live, "maker", "x", ""),
		"the name is free for who behaves");
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &none);
	client_patience(&live.client, LONGER_MS);
	(void)live_probe(&live, "maker", "make spin", "?timeout_ms=200");
	attack_worked(live.reply.status == 0,
		"without the keeper's signal: no end after %d ms", LONGER_MS);
	(void)daemon_kill(&live.daemon);
}

const struct attack attack_g16 = {
	.id = "G16",
	.name = "native: constructors that attack at registration",
	.layer = "a trial load in an isolate",
	.off = "the keeper's signal",
	.run = run,
};
