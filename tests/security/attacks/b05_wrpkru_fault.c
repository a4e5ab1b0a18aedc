/*
 * The WRPKRU of the signal entry. What lies behind it believes only what stands
 * in key 0, so that the control has to leave out the keys as well: then a page
 * and a thread of the isolate's own making are believed, and their handler
 * called.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static const struct jump_value values[] = {
	{"all keys open", 0, BOX_HEAP, JUMP_NONE},
	{"T", JUMP_PKRU_TRUSTED, BOX_HEAP, JUMP_NONE},
	{"its own U", JUMP_PKRU_OWN, BOX_HEAP, JUMP_NONE},
	{"the kernel's default", 0x55555554, BOX_HEAP, JUMP_NONE},
};

static void run(void)
{
	struct jump j = {.gs = JUMP_FAKE_PAGE, .loot = BOX_HEAP};

	jump_wrpkru(gate_fault_mpk, gate_enter_soft, 1, values,
		sizeof(values) / sizeof(*values));
	j.to.r11 = jump_place(gate_fault_mpk, "\x0f\x01\xef", 3);
	(void)jump_case("with GS at its own page", &j);
	(void)jump_control(
		"with GS at its own page", &j, &jump_neither, JUMP_LEAKS);
}

const struct attack attack_b05 = {
	.id = "B05",
	.name = "jump to the WRPKRU of gate_fault with a chosen value",
	.layer = "gate check, protection keys",
	.off = "the gate's checks and the keys",
	.run = run,
};
