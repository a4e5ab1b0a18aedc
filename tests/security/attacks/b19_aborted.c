/*
 * The place where an aborted isolate's thread goes on, which trusts its stack:
 * an isolate that jumps there brings one of its own, and only its own rights.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	const struct jump own = {.loot = BOX_HEAP,
		.to = {.rsp = JUMP_FRAME, .r11 = (uint64_t)gate_aborted}};
	const struct jump victim = {.loot = BOX_HEAP,
		.to = {.rsp = JUMP_SECRET, .r11 = (uint64_t)gate_aborted}};

	(void)jump_case("gate_aborted on its own stack", &own);
	(void)jump_case("gate_aborted on a stack in trusted memory", &victim);
	(void)jump_control("gate_aborted on its own stack", &own, &jump_no_keys,
		JUMP_LEAKS);
}

const struct attack attack_b19 = {
	.id = "B19",
	.name = "jump to gate_aborted",
	.layer = "protection keys",
	.off = "the keys",
	.run = run,
};
