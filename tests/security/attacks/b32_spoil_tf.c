/*
 * TF set by an isolate that leaves: each instruction of the gate traps, from
 * the first. The isolate is aborted in state ISOLATE; the runtime is never
 * stepped. Control: no handler for that signal, which is then the process's
 * end.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/security/attack.h"
#include "tests/security/registers.h"

/* U. */
static void spoil_in(struct box_attack *a)
{
	(void)a;
	box_spoil_tf();
	box_done();
}

static void run(void)
{
	static const struct box_off no_handler = {.trap = true};
	const struct box_attack a = {0};
	const struct box_report *r = box_run_one(NULL, spoil_in, &a);

	if (!attack_held(box_survived(r) && r->end[0].how == GATE_ABORTED &&
				 r->end[0].fault.signal == SIGTRAP &&
				 registers_in_order(&r->end[0]),
		    "the trap flag"))
		box_say("defended", r);
	r = box_run_one(&no_handler, spoil_in, &a);
	if (!attack_worked(
		    WIFSIGNALED(r->status) && WTERMSIG(r->status) == SIGTRAP,
		    "the trap flag"))
		box_say("control", r);
}

const struct attack attack_b32 = {
	.id = "B32",
	.name = "hand the trap flag to the runtime",
	.layer = "signal handler",
	.off = "the handler of SIGTRAP",
	.run = run,
};
