/*
 * Jumps to every write of the FS base in the gate. What follows each touches
 * what an isolate may not. Control: no keys, and checks that check nothing.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static const char write_base[] = "\xf3\x48\x0f\xae\xd0";

static void run(void)
{
	const struct jump j = {.loot = BOX_HEAP,
		.to = {.rcx = JUMP_BUFFER,
			.rsi = JUMP_BUFFER,
			.rdx = JUMP_FORGED,
			.rax = JUMP_FAKE,
			.rdi = 11,
			.r11 = jump_place(gate_enter_mpk, write_base, 4)}};

	jump_bases("WRFSBASE", write_base, 6);
	(void)jump_control(
		"WRFSBASE in gate_enter", &j, &jump_neither, JUMP_LEAKS);
}

const struct attack attack_b08 = {
	.id = "B08",
	.name = "jump to every write of the FS base in the gate",
	.layer = "protection keys",
	.off = "the keys and the gate's checks",
	.run = run,
};
