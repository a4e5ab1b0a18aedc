/*
 * NT set by an isolate that leaves: the next IRET of whoever runs would fault.
 */
#include "tests/security/attack.h"
#include "tests/security/registers.h"

static void run(void)
{
	registers_spoil("the nested-task flag", box_spoil_nt);
}

const struct attack attack_b33 = {
	.id = "B33",
	.name = "hand the nested-task flag to the runtime",
	.layer = "constants on the way out",
	.off = "the gate's clearing",
	.run = run,
};
