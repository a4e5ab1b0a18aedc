/*
 * The same touches with the stack pointer where the kernel looks at it: a fault
 * there must still be caught, and what the kernel writes must not land there.
 */
#include "tests/security/access.h"
#include "tests/security/attack.h"

static void run(void)
{
	access_try_stacks(BOX_HEAP, false);
	access_try_stacks(BOX_OTHER, false);
	access_try_stacks(BOX_PARKED, false);
}

const struct attack attack_k08 = {
	.id = "K08",
	.name = "touch a victim with the stack pointer on a foreign stack",
	.layer = "protection keys, handlers",
	.off = "keys",
	.run = run,
};
