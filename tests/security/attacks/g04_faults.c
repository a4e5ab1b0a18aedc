/*
 * Faults of every kind in a function of a live daemon: they end that call and
 * nothing else. Control: without handlers the first one ends the daemon.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

static void cases(void)
{
	uint64_t data, text, end;

	live_start(&live, NULL);
	data = live_where(&live, "deeds_secret");
	text = live_where(&live, "native_in_main");
	end = live_ask(&live, "attacker", "where end");
	live_refused(&live, live_crashed, "UD2", "trap");
	live_refused(&live, live_crashed, "division by zero", "divide");
	live_refused(&live, live_crashed, "stack overflow", "overflow");
	live_refused(
		&live, live_crashed, "hostcall of no number", "hostcall 4d2");
	live_refused(&live, live_crashed, "jump to 0", "jump 0");
	live_refused(&live, live_crashed, "jump to no address",
		"jump 8000000000000000");
	live_refused(&live, live_crashed, "jump past its memory", "jump %lx",
		end + 4096);
	/* Keys do not stop fetches; that .data can't be executed does. */
	live_do(&live, "attacker", "jump %lx", data);
	attack_held(
		(live_is(&live, live_crashed) || live_is(&live, live_hurt)) &&
			live_well(&live),
		"jump into .data");
	live_do(&live, "attacker", "jump %lx", text);
	attack_held(live.reply.status >= 500 && live_well(&live),
		"jump to the engine's start, with no argument");
	attack_held(live_stop(&live), "the daemon ends in peace");
}

static void control(const char *deed, int sig)
{
	static const struct live_options none = {.without = "handlers"};
	int status;

	live_start(&live, &none);
	live_do(&live, "attacker", "%s", deed);
	status = daemon_died(&live.daemon, 5000);
	attack_worked(WIFSIGNALED(status) && WTERMSIG(status) == sig,
		"%s without handlers: the daemon dies (%#x)", deed, status);
}

static void run(void)
{
	cases();
	control("trap", SIGILL);
	control("divide", SIGFPE);
	control("read 8", SIGSEGV);
}

const struct attack attack_g04 = {
	.id = "G04",
	.name = "live: faults of every kind",
	.layer = "the gate's fault path",
	.off = "handlers of faults",
	.run = run,
};
