/*
 * ID set by an isolate that leaves, all flags at once, and RF, which only an
 * IRET can set: by one straight to the gate's exit.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"
#include "tests/security/registers.h"

enum {
	IF = 0x202,
	RF = 0x10000,
	/* CF PF AF ZF SF DF OF NT AC ID, not TF. */
	ALL = 0x244ed5 | IF,
};

static void try_flags(const char *name, uint64_t flags)
{
	static const struct box_off no_scrub = {.scrub = true};
	const struct jump j = {.loot = BOX_HEAP,
		.to = {.flags = flags, .r11 = (uint64_t)gate_exit_mpk}};
	const struct box_report *r = jump_run(NULL, &j);

	if (!attack_held(box_survived(r) && r->end[0].how == GATE_LEFT &&
				 registers_in_order(&r->end[0]),
		    "%s", name)) {
		attack_say("flags %#lx", r->end[0].flags);
		box_say("defended", r);
	}
	if (flags == (IF | RF)) /* lasts for one instruction */
		return;
	r = jump_run(&no_scrub, &j);
	if (!attack_worked(!registers_in_order(&r->end[0]), "%s", name))
		box_say("control", r);
}

static void run(void)
{
	registers_spoil("ID", box_spoil_id);
	try_flags("all flags", ALL);
	try_flags("RF", IF | RF);
}

const struct attack attack_b35 = {
	.id = "B35",
	.name = "hand ID, RF and all flags at once to the runtime",
	.layer = "constants on the way out",
	.off = "the gate's clearing",
	.run = run,
};
