/*
 * The gate single-stepped: a jump to each of its bytes that arrives with the
 * trap flag set, and so traps behind the first instruction, even a WRPKRU. The
 * trap ends the isolate. Control: no handler for it, which is then the
 * process's end.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/security/attack.h"
#include "tests/security/sweep.h"

enum {
	TF = 0x302,
};

static void run(void)
{
	static const struct sweep_set sets[] = {
		{"all keys open", {.to = {.flags = TF}}},
		{"T", {.to = {.flags = TF, .rax = JUMP_PKRU_TRUSTED}}},
	};
	static const struct box_off no_handler = {.trap = true};
	const struct sweep whole = {
		.from = gate_code_begin, .to = gate_code_end, .step = 1};
	const struct jump j = {.loot = BOX_HEAP,
		.to = {.flags = TF,
			.rax = JUMP_PKRU_TRUSTED,
			.r11 = jump_place(gate_exit_mpk, "\x0f\x01\xef", 3)}};
	const struct box_report *r = jump_run(NULL, &j);

	if (!attack_held(box_survived(r) && r->end[0].how == GATE_ABORTED &&
				 r->end[0].fault.signal == SIGTRAP &&
				 r->end[0].fault.rip == j.to.r11 + 3,
		    "a trap behind the WRPKRU of the way out"))
		box_say("defended", r);
	(void)sweep_cases(whole, sets, sizeof(sets) / sizeof(*sets));
	r = jump_run(&no_handler, &j);
	if (!attack_worked(
		    WIFSIGNALED(r->status) && WTERMSIG(r->status) == SIGTRAP,
		    "a trap behind the WRPKRU of the way out"))
		box_say("control", r);
}

const struct attack attack_b41 = {
	.id = "B41",
	.name = "jump to every byte of the gate with the trap flag set",
	.layer = "signal handler",
	.off = "the handler of SIGTRAP",
	.run = run,
};
