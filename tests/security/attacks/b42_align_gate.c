/*
 * The gate entered with alignment checking on and a stack that is not aligned,
 * at each of its bytes, and by the way out, which brings neither to the
 * runtime. Control: a gate that does not load the flags.
 */
#include "tests/security/attack.h"
#include "tests/security/registers.h"
#include "tests/security/sweep.h"

enum {
	AC = 0x40202,
};

static void run(void)
{
	static const struct sweep_set sets[] = {
		{"T, its own stack", {.to = {.flags = AC,
					      .rax = JUMP_PKRU_TRUSTED,
					      .rsp = JUMP_STACK_ODD}}},
		{"a made-up thread", {.to = {.flags = AC,
					      .rax = JUMP_FAKE,
					      .rbx = JUMP_FAKE,
					      .rsp = JUMP_STACK_ODD}}},
	};
	static const struct box_off no_scrub = {.scrub = true};
	const struct sweep whole = {
		.from = gate_code_begin, .to = gate_code_end, .step = 1};
	const struct jump leave = {.to = {.flags = AC,
					   .rsp = JUMP_STACK_ODD,
					   .r11 = (uint64_t)gate_exit_mpk}};
	const struct box_report *r = jump_run(NULL, &leave);

	if (!attack_held(box_survived(r) && r->end[0].how == GATE_LEFT &&
				 registers_in_order(&r->end[0]),
		    "leaving"))
		box_say("defended", r);
	(void)sweep_cases(whole, sets, sizeof(sets) / sizeof(*sets));
	r = jump_run(&no_scrub, &leave);
	if (!attack_worked(!registers_in_order(&r->end[0]), "leaving"))
		box_say("control", r);
}

const struct attack attack_b42 = {
	.id = "B42",
	.name = "alignment checking and an odd stack at every byte",
	.layer = "constants on the way out",
	.off = "the gate's clearing",
	.run = run,
};
