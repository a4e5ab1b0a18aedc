/*
 * Trusted memory that was mapped: the heap of the runtime.
 */
#include "tests/security/access.h"
#include "tests/security/attack.h"

static void run(void)
{
	access_try_both(BOX_HEAP);
}

const struct attack attack_k01 = {
	.id = "K01",
	.name = "read and write the trusted heap",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
