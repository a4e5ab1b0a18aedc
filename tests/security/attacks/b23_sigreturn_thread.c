/*
 * The gate's way to its rt_sigreturn, from where it loads cookie and frame of a
 * thread: here one of the isolate's making.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	/* mov %rbx, %rax; mov THREAD_FAULT_SP(%rax), %rsp */
	const uint64_t at =
		jump_place(gate_fault_mpk, "\x48\x89\xd8\x48\x8b\x60\x48", 7);
	const struct jump j = {
		.loot = BOX_HEAP, .to = {.rbx = JUMP_FAKE, .r11 = at}};

	jump_sigreturn(&j);
}

const struct attack attack_b23 = {
	.id = "B23",
	.name = "jump to the gate's way back with a made-up thread",
	.layer = "dispatch, seccomp",
	.off = "dispatch and filter",
	.run = run,
};
