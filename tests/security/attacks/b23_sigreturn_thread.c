/*
 * The gate's way to its rt_sigreturn, from where it loads cookie and frame of a
 * thread: here one of the isolate's making.
 */
#include <signal.h>

#include "sandbox/dispatch.h"

#include "tests/security/attack.h"
#include "tests/security/jump.h"

enum {
	BY_FILTER = 1, /* si_code */
};

static void run(void)
{
	static const struct {
		const char *name;
		struct box_off off;
		int code;
	} walls[] = {
		{"both walls", {0}, DISPATCH_SI_CODE},
		{"dispatch off", {.dispatch = true}, BY_FILTER},
		{"filter off", {.filter = true}, DISPATCH_SI_CODE},
	};
	static const struct box_off neither = {
		.dispatch = true, .filter = true};
	/* mov %rbx, %rax; mov THREAD_FAULT_SP(%rax), %rsp */
	const uint64_t at =
		jump_place(gate_fault_mpk, "\x48\x89\xd8\x48\x8b\x60\x48", 7);
	const struct jump j = {
		.loot = BOX_HEAP, .to = {.rbx = JUMP_FAKE, .r11 = at}};

	for (size_t i = 0; i < sizeof(walls) / sizeof(*walls); i++) {
		const struct box_report *r = jump_run(&walls[i].off, &j);
		const struct gate_fault *f = &r->end[0].fault;

		if (!attack_held(box_survived(r) && f->signal == SIGSYS &&
					 f->code == walls[i].code,
			    "%s", walls[i].name))
			box_say(walls[i].name, r);
	}
	(void)jump_control("both walls off", &j, &neither, JUMP_LEAKS);
}

const struct attack attack_b23 = {
	.id = "B23",
	.name = "jump to the gate's way back with a made-up thread",
	.layer = "dispatch, seccomp",
	.off = "dispatch and filter",
	.run = run,
};
