/*
 * Names, dumps, capabilities, the layout that /proc shows, instructions that
 * fault.
 */
#include <sys/prctl.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper: an address that is mapped. */
static void tell_stack(struct box *b, void *attack)
{
	struct box_attack *a = attack;

	a->n[0] = (uint64_t)b->vault;
}

/* U. */
static void set_mm(struct box_attack *a)
{
	box_got(walls_call(
		SYS_prctl, PR_SET_MM, PR_SET_MM_ENV_START, a->n[0], 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"name", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_SET_NAME, OWN(0)}},
		{"no_new_privs", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0}},
		{"dumpable", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_SET_DUMPABLE, 1}},
		{"keep capabilities", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_SET_KEEPCAPS, 0}},
		{"signal at the parent's end", walls_make, SYS_prctl,
			.harm = WALLS_MADE,
			.n = {SYS_prctl, PR_SET_PDEATHSIG, 0}},
		{"timer slack", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_SET_TIMERSLACK, 1}},
		{"child subreaper", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_SET_CHILD_SUBREAPER, 0}},
		{"securebits read", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_GET_SECUREBITS, 0}},
		{"tid address read", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_GET_TID_ADDRESS, OWN(0)}},
		{"the time stamp counter", walls_make, SYS_prctl,
			.harm = WALLS_MADE,
			.n = {SYS_prctl, PR_SET_TSC, PR_TSC_ENABLE}},
		{"seccomp read", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_GET_SECCOMP, 0}},
		{"merging of pages", walls_make, SYS_prctl, .harm = WALLS_MADE,
			.n = {SYS_prctl, PR_SET_THP_DISABLE, 0}},
		{"memory map", set_mm, SYS_prctl, .harm = WALLS_MADE,
			.before = tell_stack},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f14 = {
	.id = "F14",
	.name = "prctl: properties of the process and its threads",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
