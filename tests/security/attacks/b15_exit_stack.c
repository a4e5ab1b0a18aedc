/*
 * Leaving without a usable stack, and with one in a victim: the gate takes its
 * own before it uses any. Control: a gate that stays on the stack it came with.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void session(struct box *b, const void *arg)
{
	struct jump j = *(const struct jump *)arg;

	if (j.to.rsp < BOX_PLACES)
		j.to.rsp = box_place(b, (enum box_place)j.to.rsp) + 4096;
	jump_once(b, &j);
}

static void run(void)
{
	static const struct box_off no_stack = {.stack = true};
	static const struct {
		const char *name;
		uint64_t rsp;
	} stacks[] = {
		{"the lowest page", 16},
		{"a non-canonical place", 0x8000000000000000},
		{"the kernel", 0xffffffff81000000},
		{"the trusted heap", BOX_HEAP},
		{"the alternate stack", BOX_ALTSTACK},
		{"a resident isolate", BOX_OTHER},
		{"a parked isolate", BOX_PARKED},
	};

	for (size_t i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		const struct jump j = {.loot = BOX_HEAP,
			.to = {.rsp = stacks[i].rsp,
				.r11 = (uint64_t)gate_exit_mpk}};
		const struct box_report *r = box_run(NULL, session, &j);

		if (!attack_held(box_survived(r) && r->end[0].how == GATE_LEFT,
			    "leaving with the stack in %s", stacks[i].name))
			box_say("defended", r);
		r = box_run(&no_stack, session, &j);
		if (!attack_worked(r->setup == 0 && !box_survived(r),
			    "leaving with the stack in %s", stacks[i].name))
			box_say("control", r);
	}
}

const struct attack attack_b15 = {
	.id = "B15",
	.name = "leave without a stack, or with one in a victim",
	.layer = "the gate's own stack",
	.off = "the change of stacks",
	.run = run,
};
