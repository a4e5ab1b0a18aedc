/*
 * The call that gives memory its key, made by an isolate.
 */
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void retag(struct box_attack *a)
{
	uint64_t at = a->place[a->n[0]];

	(void)walls_call(SYS_pkey_mprotect, at, BOX_PATTERN,
		PROT_READ | PROT_WRITE, walls_own_key(a));
	box_got(*(volatile uint64_t *)at);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"heap", retag, SYS_pkey_mprotect, .harm = WALLS_LEAKED,
			.n = {BOX_HEAP}},
		{"resident isolate", retag, SYS_pkey_mprotect,
			.harm = WALLS_LEAKED, .n = {BOX_OTHER}},
		{"parked isolate", retag, SYS_pkey_mprotect,
			.harm = WALLS_LEAKED, .n = {BOX_PARKED}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e02 = {
	.id = "E02",
	.name = "pkey_mprotect: a victim's memory made one's own",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
