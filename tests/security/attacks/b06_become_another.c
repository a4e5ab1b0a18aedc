/*
 * Becoming another isolate: the neighbour's own PKRU at each WRPKRU. A gate
 * that only checks that key 0 is shut lets this pass; ours compares with the
 * value that this worker's page names. Behind the way in the context would
 * still be read from the attacker's memory, which that value shuts: so the
 * control is a WRPKRU with nothing behind it.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	static const struct jump_value value = {
		"another isolate's U", JUMP_PKRU_OTHER, BOX_OTHER, JUMP_NONE};

	jump_wrpkru(gate_enter_mpk, gate_enter_soft, 6, &value, 1);
	jump_naked(&value, true);
}

const struct attack attack_b06 = {
	.id = "B06",
	.name = "become another isolate: its rights at every WRPKRU",
	.layer = "gate check",
	.off = "all that follows the WRPKRU",
	.run = run,
};
