/*
 * GS at a page in the isolate's own memory, made up in all its parts: its
 * thread, its stack, its rights. Even a gate without checks does not get far in
 * T, which does not open the isolate's memory; so the control has no keys
 * either.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	const struct {
		const char *name;
		struct box_jump to;
		enum jump_gain gain;
	} jumps[] = {
		{"gate_exit", {.r11 = (uint64_t)gate_exit_mpk}, JUMP_LEAKS},
		{"gate_enter", {.r11 = (uint64_t)gate_enter_mpk}, JUMP_NONE},
		{"the WRPKRU of gate_enter",
			{.rax = JUMP_PKRU_OWN,
				.r11 = jump_place(
					gate_enter_mpk, "\x0f\x01\xef", 3)},
			JUMP_NONE},
		{"gate_copy",
			{.rdi = JUMP_BUFFER,
				.rsi = JUMP_SECRET,
				.rdx = 8,
				.r11 = (uint64_t)gate_copy_mpk},
			JUMP_LEAKS},
		{"gate_trust",
			{.rdi = JUMP_PKRU_TRUSTED,
				.r11 = (uint64_t)gate_trust_mpk},
			JUMP_LEAKS},
		{"gate_fault",
			{.rsp = JUMP_STACK,
				.rdi = 11,
				.rsi = JUMP_BUFFER,
				.rdx = JUMP_FORGED,
				.r11 = (uint64_t)gate_fault_mpk},
			JUMP_NONE},
	};

	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
		const struct jump j = {.to = jumps[i].to,
			.gs = JUMP_FAKE_PAGE,
			.loot = BOX_HEAP};

		(void)jump_case(jumps[i].name, &j);
		if (jumps[i].gain != JUMP_NONE)
			(void)jump_control(jumps[i].name, &j, &jump_neither,
				jumps[i].gain);
	}
}

const struct attack attack_b11 = {
	.id = "B11",
	.name = "pass the gate with GS at a page of its own making",
	.layer = "gate check, protection keys",
	.off = "the gate's checks and the keys",
	.run = run,
};
