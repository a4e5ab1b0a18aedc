/*
 * The signal entry behind its touches of key 0, with a made-up thread, siginfo
 * and frame in the registers; with GS as it is, at zero, at a page of its own.
 * The gate believes them only if it stored them itself. Control: no keys and no
 * checks.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	static const struct {
		const char *name;
		uint64_t gs, gs_zero;
		enum jump_gain gain;
	} ways[] = {
		{"a made-up thread", 0, 0, JUMP_NONE},
		{"a made-up thread, GS zero", 0, 1, JUMP_NONE},
		{"a made-up thread and page", JUMP_FAKE_PAGE, 0, JUMP_LEAKS},
	};
	/* mov %rdi, THREAD_SIG(%rax) */
	uint64_t note = jump_place(gate_fault_mpk, "\x48\x89\x78\x30", 4);

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct jump j = {.loot = BOX_HEAP,
			.gs = ways[i].gs,
			.to = {.rax = JUMP_FAKE,
				.rdi = 11,
				.rsi = JUMP_BUFFER,
				.rdx = JUMP_FORGED,
				.rsp = JUMP_STACK,
				.r11 = note,
				.gs_zero = ways[i].gs_zero}};

		(void)jump_case(ways[i].name, &j);
		if (ways[i].gain != JUMP_NONE)
			(void)jump_control(
				ways[i].name, &j, &jump_neither, ways[i].gain);
	}
}

const struct attack attack_b21 = {
	.id = "B21",
	.name = "enter the signal path with a made-up thread",
	.layer = "gate check, protection keys",
	.off = "the gate's checks and the keys",
	.run = run,
};
