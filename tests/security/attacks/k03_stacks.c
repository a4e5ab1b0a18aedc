/*
 * The stacks of the runtime: the one that the worker left to come here, and the
 * one that its signal handlers run on.
 */
#include "tests/security/access.h"
#include "tests/security/attack.h"

static void run(void)
{
	access_try_both(BOX_STACK);
	access_try_both(BOX_ALTSTACK);
}

const struct attack attack_k03 = {
	.id = "K03",
	.name = "read and write the worker's stack and the alternate stack",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
