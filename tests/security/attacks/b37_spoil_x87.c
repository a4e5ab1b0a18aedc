/*
 * The x87 control word with all exceptions unmasked, one pending, and the stack
 * full: the runtime's next x87 instruction would fault.
 */
#include "tests/security/attack.h"
#include "tests/security/registers.h"

static void run(void)
{
	registers_spoil(
		"the x87 control word, an exception pending", box_spoil_x87);
}

const struct attack attack_b37 = {
	.id = "B37",
	.name = "hand an unmasked x87 with an exception to the runtime",
	.layer = "constants on the way out",
	.off = "the gate's clearing",
	.run = run,
};
