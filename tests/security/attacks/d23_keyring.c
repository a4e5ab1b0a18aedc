/*
 * The kernel's key rings: secrets of others, and a place to hide one's own.
 */
#include "tests/security/attack.h"
#include "tests/security/walls.h"

static void run(void)
{
	static const struct walls_case cases[] = {
		WALLS_MAKE(add_key, (uint64_t) "user",
			(uint64_t) "gvisord-seceval", OWN(0), 8, (uint64_t)-2),
		WALLS_MAKE(keyctl, 0, (uint64_t)-2, 1),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d23 = {
	.id = "D23",
	.name = "add_key and keyctl",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
