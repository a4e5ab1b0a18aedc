/*
 * What the x87 registers, which are MMX's too, hold when an isolate gets to
 * run. The runtime uses none; so the residue would be another isolate's.
 */
#include "tests/security/attack.h"
#include "tests/security/registers.h"

static void run(void)
{
	registers_clean(REGISTERS_X87);
	registers_left(REGISTERS_X87, REGISTERS_CALL, 8);
}

const struct attack attack_b27 = {
	.id = "B27",
	.name = "residue in x87 and MMX registers",
	.layer = "clearing on the way out",
	.off = "the gate's clearing",
	.run = run,
};
