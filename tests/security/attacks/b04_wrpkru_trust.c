/*
 * The WRPKRU of a trusted thread's first step, with a RET close behind.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static const struct jump_value values[] = {
	{"all keys open", 0, BOX_HEAP, JUMP_LEAKS},
	{"T", JUMP_PKRU_TRUSTED, BOX_HEAP, JUMP_LEAKS},
	{"its own U", JUMP_PKRU_OWN, BOX_HEAP, JUMP_NONE},
	{"the kernel's default", 0x55555554, BOX_HEAP, JUMP_NONE},
};

static void run(void)
{
	jump_wrpkru(gate_trust_mpk, gate_fault_mpk, 1, values,
		sizeof(values) / sizeof(*values));
}

const struct attack attack_b04 = {
	.id = "B04",
	.name = "jump to the WRPKRU of gate_trust with a chosen value",
	.layer = "gate check",
	.off = "the gate's checks",
	.run = run,
};
