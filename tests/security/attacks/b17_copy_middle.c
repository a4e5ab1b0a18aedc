/*
 * The middle of the gate's copy, behind its first check: the copy itself then
 * runs with the isolate's rights. Control: no keys, and no check behind the
 * copy.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	uint64_t movsb = jump_place(gate_copy_mpk, "\xf3\xa4", 2);
	const struct {
		const char *name;
		struct box_jump to;
		enum jump_gain gain;
	} jumps[] = {
		{"out of trusted memory",
			{.rdi = JUMP_BUFFER, .rsi = JUMP_SECRET, .rcx = 8},
			JUMP_LEAKS},
		{"into trusted memory",
			{.rdi = JUMP_SECRET, .rsi = JUMP_BUFFER, .rcx = 8},
			JUMP_BREAKS},
		{"all memory there is",
			{.rdi = JUMP_BUFFER, .rsi = JUMP_BUFFER, .rcx = -1ull},
			JUMP_NONE},
	};

	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
		struct jump j = {.to = jumps[i].to, .loot = BOX_HEAP};

		j.to.r11 = movsb;
		(void)jump_case(jumps[i].name, &j);
		if (jumps[i].gain != JUMP_NONE)
			(void)jump_control(jumps[i].name, &j, &jump_neither,
				jumps[i].gain);
	}
}

const struct attack attack_b17 = {
	.id = "B17",
	.name = "jump to the middle of gate_copy",
	.layer = "protection keys, gate check",
	.off = "the keys and the gate's checks",
	.run = run,
};
