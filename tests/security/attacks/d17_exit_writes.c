/*
 * set_robust_list and set_tid_address name addresses that are written much
 * later, by a thread that may have other rights by then.
 */
#include "tests/security/attack.h"
#include "tests/security/walls.h"

static void run(void)
{
	static const struct walls_case cases[] = {
		WALLS_MAKE(set_robust_list, OWN(0), 24),
		WALLS_MAKE(set_robust_list, PLACE(BOX_HEAP), 24),
		WALLS_MAKE(set_tid_address, PLACE(BOX_HEAP)),
		WALLS_MAKE(get_robust_list, 0, OWN(0), OWN(8)),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d17 = {
	.id = "D17",
	.name = "words that the kernel writes when a thread ends",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
