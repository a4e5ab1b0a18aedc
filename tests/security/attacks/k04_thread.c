/*
 * What the gate keeps of a thread: the stack to come back to, the state, the
 * cookie without which no system call is made.
 */
#include "tests/security/access.h"
#include "tests/security/attack.h"

static void run(void)
{
	access_try_both(BOX_THREAD);
}

const struct attack attack_k04 = {
	.id = "K04",
	.name = "read the worker's cookie, write its gate state",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
