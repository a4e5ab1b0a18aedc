/*
 * rt_sigreturn over a frame of one's own making, with PKRU = 0 in it: all keys
 * open, at an address of one's choice.
 */
#include "tests/security/attack.h"
#include "tests/security/forge.h"
#include "tests/security/walls.h"

/* U. */
static void sigreturn(struct box_attack *a)
{
	box_sigreturn(forge_frame(a, forge_loot), 0, 0);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"to loot the heap", sigreturn, SYS_rt_sigreturn,
			.harm = WALLS_LEAKED, .n = {BOX_HEAP}},
		{"to loot a resident isolate", sigreturn, SYS_rt_sigreturn,
			.harm = WALLS_LEAKED, .n = {BOX_OTHER}},
		{"to loot a parked isolate", sigreturn, SYS_rt_sigreturn,
			.harm = WALLS_LEAKED, .n = {BOX_PARKED}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_c14 = {
	.id = "C14",
	.name = "rt_sigreturn over a forged frame that opens all keys",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
