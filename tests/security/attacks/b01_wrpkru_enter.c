/*
 * The WRPKRU of the way in, reached by a jump with a value of the isolate's
 * choice. Behind it everything is read with the rights that were asked for: an
 * open value would have it continue from its own memory with all keys.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static const struct jump_value values[] = {
	{"all keys open", 0, BOX_HEAP, JUMP_LEAKS},
	{"T", JUMP_PKRU_TRUSTED, BOX_HEAP, JUMP_NONE},
	{"its own U", JUMP_PKRU_OWN, BOX_HEAP, JUMP_NONE},
	{"the kernel's default", 0x55555554, BOX_HEAP, JUMP_NONE},
};

static void run(void)
{
	jump_wrpkru(gate_enter_mpk, gate_exit_mpk, 1, values,
		sizeof(values) / sizeof(*values));
	/* With S shut not even the exit can be found. */
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		jump_naked(&values[i], i < 2);
}

const struct attack attack_b01 = {
	.id = "B01",
	.name = "jump to the WRPKRU of gate_enter with a chosen value",
	.layer = "gate check",
	.off = "the gate's checks",
	.run = run,
};
