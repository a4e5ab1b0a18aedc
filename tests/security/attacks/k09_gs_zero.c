/*
 * The same touches with GS base 0, by loading a null selector: the fault is
 * handled by code that must not need GS.
 */
#include "tests/security/access.h"
#include "tests/security/attack.h"

static void run(void)
{
	access_try_stacks(BOX_HEAP, true);
	access_try_stacks(BOX_OTHER, true);
	access_try_stacks(BOX_PARKED, true);
}

const struct attack attack_k09 = {
	.id = "K09",
	.name = "touch a victim with GS base 0",
	.layer = "protection keys, handlers",
	.off = "keys",
	.run = run,
};
