/*
 * Games with the stack pointer and GS in a live daemon: reads with the one in
 * trusted or foreign memory, or the other at zero, and faults there. Controls:
 * the reads without keys, the faults without handlers.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

enum {
	ABOVE = 4096 /* the trusted stack pointer stands this far up */
};

static void cases(void)
{
	uint64_t data, other, thread, page;

	live_start(&live, NULL);
	data = live_where(&live, "deeds_secret");
	thread = live_ask(&live, "attacker", "where thread");
	page = live_ask(&live, "attacker", "where page");
	other = live_ask(&live, "neighbour", "self");
	live_refused(&live, live_hurt, "read without GS", "gsread %lx", data);
	live_refused(&live, live_hurt, "read on a trusted stack",
		"stackread %lx %lx", data, data + ABOVE);
	live_refused(&live, live_hurt, "read on the neighbour's stack",
		"stackread %lx %lx", data, other);
	live_refused(
		&live, live_hurt, "read on no stack", "stackread %lx 0", data);
	live_refused(&live, live_crashed, "trap on the neighbour's stack",
		"stacktrap %lx", other + 32);
	live_refused(&live, live_crashed, "trap on a trusted stack",
		"stacktrap %lx", data + ABOVE);
	live_refused(&live, live_crashed, "trap on gate_thread",
		"stacktrap %lx", thread + 256);
	live_refused(&live, live_crashed, "trap on the gate page",
		"stacktrap %lx", page + 256);
	live_refused(&live, live_crashed, "trap on no stack", "stacktrap 0");
	live_refused(&live, live_crashed, "trap on no address",
		"stacktrap 8000000000000000");
	attack_held(live_stop(&live), "the daemon ends in peace");
}

static void controls(void)
{
	static const struct live_options soft = {.mode = "software"};
	static const struct live_options none = {.without = "handlers"};
	uint64_t data, other;
	int status;

	live_start(&live, &soft);
	data = live_where(&live, "deeds_secret");
	attack_worked(live_ask(&live, "attacker", "stackread %lx %lx", data,
			      data + ABOVE) == LIVE_SECRET,
		"read on a trusted stack without keys");
	(void)live_stop(&live);
	live_start(&live, &none);
	other = live_ask(&live, "neighbour", "self");
	live_do(&live, "attacker", "stacktrap %lx", other + 32);
	status = daemon_died(&live.daemon, 5000);
	attack_worked(WIFSIGNALED(status),
		"a trap without handlers: the daemon dies");
}

static void run(void)
{
	cases();
	controls();
}

const struct attack attack_g02 = {
	.id = "G02",
	.name = "live: stack pointer and GS elsewhere, reads and faults",
	.layer = "keys, alternate stack",
	.off = "keys; handlers of faults",
	.run = run,
};
