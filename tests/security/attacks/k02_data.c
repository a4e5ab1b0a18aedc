/*
 * The program's own variables, which the linker put beside those that isolates
 * may read.
 */
#include "tests/security/access.h"
#include "tests/security/attack.h"

static void run(void)
{
	access_try_both(BOX_DATA);
	access_try_both(BOX_BSS);
}

const struct attack attack_k02 = {
	.id = "K02",
	.name = "read and write variables of the runtime",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
