/*
 * The WRPKRU of the way out. A value that is not T would be what the runtime
 * goes on with.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static const struct jump_value values[] = {
	{"all keys open", 0, BOX_HEAP, JUMP_OPENS},
	{"T", JUMP_PKRU_TRUSTED, BOX_HEAP, JUMP_NONE},
	{"its own U", JUMP_PKRU_OWN, BOX_HEAP, JUMP_NONE},
	{"the kernel's default", 0x55555554, BOX_HEAP, JUMP_NONE},
};

static void run(void)
{
	jump_wrpkru(gate_exit_mpk, gate_copy_mpk, 1, values,
		sizeof(values) / sizeof(*values));
}

const struct attack attack_b02 = {
	.id = "B02",
	.name = "jump to the WRPKRU of gate_exit with a chosen value",
	.layer = "gate check",
	.off = "the gate's checks",
	.run = run,
};
