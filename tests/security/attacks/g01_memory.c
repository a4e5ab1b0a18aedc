/*
 * Reads and writes from inside a function of a live daemon: the runtime's
 * memory and a neighbour's. Each ends in a typed error; pid, threads and the
 * neighbour are as before. Control: the same deeds without keys.
 */
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

enum {
	SELECTOR = 40 /* in a gate page */
};

/* A goal with a symbol is found from outside, others an isolate finds itself.
 */
static uint64_t goal(const char *symbol, const char *found)
{
	return symbol ? live_where(&live, symbol)
		      : live_ask(&live, "attacker", "where %s", found);
}

static void cases(void)
{
	static const struct {
		const char *what;
		const char *symbol;
		uint64_t offset;
		bool readable;
	} goals[] = {
		{"data", "deeds_secret", 0, false},
		{"thread", NULL, 0, false},
		{"page", NULL, 0, true},
		{"page", NULL, SELECTOR, true},
		{"libc", "environ", 0, true},
		{"text", "native_in_main", 0, true},
	};
	uint64_t other;

	live_start(&live, NULL);
	other = live_ask(&live, "neighbour", "self");
	for (size_t i = 0; i < sizeof(goals) / sizeof(*goals); i++) {
		uint64_t at =
			goal(goals[i].symbol, goals[i].what) + goals[i].offset;

		if (!goals[i].readable)
			live_refused(&live, live_hurt, goals[i].what,
				"read %lx", at);
		live_refused(&live, live_hurt, goals[i].what, "write %lx", at);
	}
	live_refused(&live, live_hurt, "the neighbour", "read %lx", other);
	live_refused(&live, live_hurt, "the neighbour", "write %lx", other);
	live_refused(&live, live_crashed, "nothing", "read 8");
	live_refused(&live, live_crashed, "no address at all",
		"read 8000000000000000");
	live_refused(
		&live, live_crashed, "the kernel", "read ffffffff81000000");
	attack_held(live_stop(&live), "the daemon ends in peace");
}

static void controls(void)
{
	static const struct live_options soft = {.mode = "software"};
	uint64_t data, other;

	live_start(&live, &soft);
	data = live_where(&live, "deeds_secret");
	other = live_ask(&live, "neighbour", "self");
	attack_worked(
		live_ask(&live, "attacker", "read %lx", data) == LIVE_SECRET,
		".data read without keys");
	attack_worked(
		live_ask(&live, "attacker", "read %lx", other) == LIVE_CANARY,
		"the neighbour read without keys");
	live_do(&live, "attacker", "write %lx", data);
	attack_worked(
		live_ask(&live, "attacker", "read %lx", data) == LIVE_MARK,
		".data written without keys");
	live_do(&live, "attacker", "write %lx", other);
	attack_worked(!live_well(&live), "the neighbour hurt without keys");
	(void)live_stop(&live);
}

static void run(void)
{
	cases();
	controls();
}

const struct attack attack_g01 = {
	.id = "G01",
	.name = "live: read and write the runtime and a neighbour",
	.layer = "protection keys",
	.off = "keys (software mode)",
	.run = run,
};
