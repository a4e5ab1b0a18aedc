/*
 * Jumps to every write of the GS base in the gate: whoever sets GS names the
 * page that the gate looks at. Behind it is a touch of key 0. Control: no keys,
 * and checks that check nothing; a page of the isolate's own making is
 * believed.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static const char write_base[] = "\xf3\x48\x0f\xae\xd8";

static void run(void)
{
	const struct jump j = {.loot = BOX_HEAP,
		.to = {.rcx = JUMP_FAKE_PAGE,
			.rsi = JUMP_BUFFER,
			.rsp = JUMP_STACK,
			.rdx = JUMP_FORGED,
			.rax = JUMP_FAKE,
			.rdi = 11,
			.r11 = (uint64_t)jump_find(
				(const unsigned char *)gate_fault_mpk,
				write_base, 5, 0xf8)}};

	jump_bases("WRGSBASE", write_base, 2);
	(void)jump_control(
		"WRGSBASE in gate_fault", &j, &jump_neither, JUMP_LEAKS);
}

const struct attack attack_b09 = {
	.id = "B09",
	.name = "jump to every write of the GS base in the gate",
	.layer = "protection keys",
	.off = "the keys and the gate's checks",
	.run = run,
};
