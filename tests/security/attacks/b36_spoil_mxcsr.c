/*
 * MXCSR with its exceptions unmasked, rounding changed and flush to zero: the
 * runtime's next floating point would fault, or be wrong.
 */
#include "tests/security/attack.h"
#include "tests/security/registers.h"

static void run(void)
{
	registers_spoil("MXCSR unmasked", box_spoil_mxcsr);
}

const struct attack attack_b36 = {
	.id = "B36",
	.name = "hand MXCSR unmasked to the runtime",
	.layer = "constants on the way out",
	.off = "the gate's clearing",
	.run = run,
};
