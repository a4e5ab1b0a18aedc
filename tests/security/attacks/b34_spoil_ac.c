/*
 * AC set by an isolate that leaves: every unaligned access of the runtime would
 * fault.
 */
#include "tests/security/attack.h"
#include "tests/security/registers.h"

static void run(void)
{
	registers_spoil("the alignment-check flag", box_spoil_ac);
}

const struct attack attack_b34 = {
	.id = "B34",
	.name = "hand the alignment-check flag to the runtime",
	.layer = "constants on the way out",
	.off = "the gate's clearing",
	.run = run,
};
