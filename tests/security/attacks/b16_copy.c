/*
 * The gate's copy, called by an isolate: out of trusted memory, into it, out of
 * and into a neighbour.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	static const struct {
		const char *name;
		uint64_t dst, src;
		enum box_place loot;
		enum jump_gain gain;
	} copies[] = {
		{"out of trusted memory", JUMP_BUFFER, JUMP_SECRET, BOX_HEAP,
			JUMP_LEAKS},
		{"into trusted memory", JUMP_SECRET, JUMP_BUFFER, BOX_HEAP,
			JUMP_BREAKS},
		{"into another isolate", JUMP_SECRET, JUMP_BUFFER, BOX_OTHER,
			JUMP_BREAKS},
		{"into a parked isolate", JUMP_SECRET, JUMP_BUFFER, BOX_PARKED,
			JUMP_BREAKS},
		{"out of another isolate", JUMP_BUFFER, JUMP_SECRET, BOX_OTHER,
			JUMP_NONE},
	};

	for (size_t i = 0; i < sizeof(copies) / sizeof(*copies); i++) {
		const struct jump j = {.loot = copies[i].loot,
			.to = {.rdi = copies[i].dst,
				.rsi = copies[i].src,
				.rdx = 8,
				.r11 = (uint64_t)gate_copy_mpk}};

		(void)jump_case(copies[i].name, &j);
		if (copies[i].gain != JUMP_NONE)
			(void)jump_control(copies[i].name, &j, &jump_no_checks,
				copies[i].gain);
	}
}

const struct attack attack_b16 = {
	.id = "B16",
	.name = "call gate_copy on trusted memory and on neighbours",
	.layer = "gate check",
	.off = "the gate's checks",
	.run = run,
};
