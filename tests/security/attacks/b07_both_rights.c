/*
 * The rights of two isolates at once, at each WRPKRU: key 0 is shut, and the
 * attacker's own memory stays open, where it keeps what the way in loads.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	static const struct jump_value value = {"its own and another's U",
		JUMP_PKRU_BOTH, BOX_OTHER, JUMP_NONE};
	static const struct jump_value enter = {"its own and another's U",
		JUMP_PKRU_BOTH, BOX_OTHER, JUMP_LEAKS};

	jump_wrpkru(gate_enter_mpk, gate_exit_mpk, 1, &enter, 1);
	jump_wrpkru(gate_exit_mpk, gate_enter_soft, 5, &value, 1);
	jump_naked(&value, true);
}

const struct attack attack_b07 = {
	.id = "B07",
	.name = "its own and another isolate's rights at every WRPKRU",
	.layer = "gate check",
	.off = "the gate's checks",
	.run = run,
};
