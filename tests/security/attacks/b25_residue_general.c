/*
 * What the general registers hold when an isolate gets to run: nothing of the
 * runtime's, nothing of the isolate's before.
 */
#include "tests/security/attack.h"
#include "tests/security/registers.h"

static void run(void)
{
	registers_clean(REGISTERS_GENERAL);
	registers_left(REGISTERS_GENERAL, REGISTERS_ENTRY, 4);
	registers_left(REGISTERS_GENERAL, REGISTERS_RETURN, 4);
}

const struct attack attack_b25 = {
	.id = "B25",
	.name = "residue in general registers",
	.layer = "clearing on the way in",
	.off = "the gate's clearing",
	.run = run,
};
