/*
 * DF set by an isolate that leaves: string operations of the runtime would run
 * backwards.
 */
#include "tests/security/attack.h"
#include "tests/security/registers.h"

static void run(void)
{
	registers_spoil("the direction flag", box_spoil_df);
}

const struct attack attack_b31 = {
	.id = "B31",
	.name = "hand the direction flag to the runtime",
	.layer = "constants on the way out",
	.off = "the gate's clearing",
	.run = run,
};
