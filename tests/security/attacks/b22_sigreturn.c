/*
 * The gate's own rt_sigreturn, with a frame of the isolate's making that has
 * all keys open. It lacks the cookie; and it does not come from trusted code.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	/* mov $15, %eax; syscall */
	const uint64_t at =
		jump_place(gate_fault_mpk, "\xb8\x0f\0\0\0\x0f\x05", 7);
	const struct jump j = {
		.loot = BOX_HEAP, .to = {.rsp = JUMP_FORGED, .r11 = at}};

	jump_sigreturn(&j);
}

const struct attack attack_b22 = {
	.id = "B22",
	.name = "jump to the gate's rt_sigreturn with a forged frame",
	.layer = "dispatch, seccomp",
	.off = "dispatch and filter",
	.run = run,
};
