/*
 * Flags, MXCSR, x87 control word and PKRU as an isolate finds them: not as
 * another left them, which would be a channel and a trap.
 */
#include "tests/security/attack.h"
#include "tests/security/registers.h"

static void run(void)
{
	registers_clean(REGISTERS_CONTROL);
	registers_left(REGISTERS_CONTROL, REGISTERS_CALL, 2);
}

const struct attack attack_b28 = {
	.id = "B28",
	.name = "residue in flags and control words",
	.layer = "constants on the way out",
	.off = "the gate's clearing",
	.run = run,
};
