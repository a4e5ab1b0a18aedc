/*
 * Another tenant's code: reading it, its constants and pointers, and running
 * it. Keys do not stop fetches, so what is jumped to runs, with the rights of
 * who jumped: it touches data of its own, which is foreign then. Control: where
 * there are no keys and native code is let in by force, all of it is read.
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

static const char *const places[] = {
	"code", "constant", "relro", "image", "self", "behind", "ctl", "stack"};
enum {
	PLACES = sizeof(places) / sizeof(*places)
};

/* Of another tenant. */
static uint64_t victims(const char *place)
{
	return live_ask(&live, "other/victim", "where %s", place);
}

static void jump(const char *what, uint64_t at)
{
	bool ended;

	live_do(&live, "attacker", "jump %lx", at);
	ended = live_is(&live, live_hurt) || live_is(&live, live_crashed);
	if (!ended)
		live_say(&live);
	attack_held(live_well(&live) && ended, "jump to %s: %s", what,
		live.reply.code);
	live_do(&live, "other/victim", "check");
	attack_held(strcmp(live.reply.body, "whole") == 0,
		"... and the victim is whole");
}

static void cases(void)
{
	live_start(&live, NULL);
	(void)live_probe(&live, "other/victim", "x", "");
	for (unsigned i = 0; i < PLACES; i++) {
		live_refused(&live, live_hurt, places[i], "read %lx",
			victims(places[i]));
		live_do(&live, "attacker", "write %lx", victims(places[i]));
		attack_held((live_is(&live, live_hurt) ||
				    live_is(&live, live_crashed)) &&
				    live_well(&live),
			"write to its %s", places[i]);
	}
	jump("its code", victims("code"));
	jump("the middle of its code", victims("code") + 3);
	jump("its data", victims("self"));
	jump("its constants", victims("constant"));
	live_do(&live, "other/victim", "check");
	attack_held(
		strcmp(live.reply.body, "whole") == 0, "the victim is whole");
	attack_held(live_stop(&live), "the daemon ends in peace");
}

static void control(void)
{
	static const struct live_options unsafe = {.unsafe = true};
	uint64_t word;

	live_start(&live, &unsafe);
	(void)live_probe(&live, "other/victim", "x", "");
	for (unsigned i = 0; i < PLACES - 1; i++) {
		(void)live_ask(
			&live, "attacker", "read %lx", victims(places[i]));
		attack_worked(live.reply.status == 200,
			"without keys its %s is read", places[i]);
	}
	word = live_ask(&live, "attacker", "read %lx", victims("self"));
	attack_worked(word == LIVE_CANARY, "... its secret");
	(void)live_stop(&live);
}

static void run(void)
{
	cases();
	control();
}

const struct attack attack_e20 = {
	.id = "E20",
	.name = "native: read and run another tenant's code",
	.layer = "protection keys",
	.off = "keys (--unsafe-native)",
	.run = run,
};
