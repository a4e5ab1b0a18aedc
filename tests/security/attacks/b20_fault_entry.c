/*
 * The signal entry, called by an isolate with a siginfo and a frame of its own:
 * on its own stack, where the gate would find a thread of its own making, on
 * the alternate stack, on trusted memory, nowhere. Control: no keys and no
 * checks.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	static const struct {
		const char *name;
		uint64_t rsp;
		enum jump_gain gain;
	} stacks[] = {
		{"its own stack", JUMP_STACK, JUMP_LEAKS},
		{"the shared stack", 0, JUMP_NONE},
		{"the alternate stack", JUMP_ALTSTACK, JUMP_NONE},
		{"trusted memory", JUMP_SECRET, JUMP_NONE},
		{"the lowest page", 8, JUMP_NONE},
		{"a non-canonical place", 0x8000000000000000, JUMP_NONE},
	};

	for (size_t i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		const struct jump j = {.loot = BOX_HEAP,
			.fake_page = true,
			.to = {.rdi = 11,
				.rsi = JUMP_BUFFER,
				.rdx = JUMP_FORGED,
				.rsp = stacks[i].rsp,
				.r11 = (uint64_t)gate_fault_mpk}};

		(void)jump_case(stacks[i].name, &j);
		if (stacks[i].gain != JUMP_NONE)
			(void)jump_control(stacks[i].name, &j, &jump_neither,
				stacks[i].gain);
	}
}

const struct attack attack_b20 = {
	.id = "B20",
	.name = "call the signal entry with a made-up siginfo",
	.layer = "protection keys",
	.off = "the keys and the gate's checks",
	.run = run,
};
