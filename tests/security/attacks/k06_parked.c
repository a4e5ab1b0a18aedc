/*
 * Memory of an isolate that lost its key: nobody's PKRU opens it.
 */
#include "tests/security/access.h"
#include "tests/security/attack.h"

static void run(void)
{
	access_try_both(BOX_PARKED);
}

const struct attack attack_k06 = {
	.id = "K06",
	.name = "read and write a parked isolate",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
