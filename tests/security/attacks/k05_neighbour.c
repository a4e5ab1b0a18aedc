/*
 * Memory of an isolate that holds a key at this moment.
 */
#include "tests/security/access.h"
#include "tests/security/attack.h"

static void run(void)
{
	access_try_both(BOX_OTHER);
}

const struct attack attack_k05 = {
	.id = "K05",
	.name = "read and write a resident isolate",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
