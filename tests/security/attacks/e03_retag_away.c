/*
 * To key 0 no allocation is needed: what has it is the runtime's, and its
 * owner is shut out. And pages of one's own can be slipped to another.
 */
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. Its stack, thread-local data and control block. n[0]: to the own key. */
static void take(struct box_attack *a)
{
	uint64_t at = a->place[BOX_OTHER] - BOX_SECRET_AT;

	(void)walls_call(SYS_pkey_mprotect, at, 128 << 10,
		PROT_READ | PROT_WRITE, a->n[0] ? walls_own_key(a) : 0);
	box_done();
}

/* U. */
static void give(struct box_attack *a)
{
	uint64_t at = a->stack + (400 << 10);

	box_got(walls_call(
		SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_WRITE, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"a neighbour's to key 0", take, SYS_pkey_mprotect,
			.harm = WALLS_HARMED, .n = {0}},
		{"a neighbour's to one's own key", take, SYS_pkey_mprotect,
			.harm = WALLS_HARMED, .n = {1}},
		{"one's own to key 0", give, SYS_pkey_mprotect,
			.harm = WALLS_MADE},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e03 = {
	.id = "E03",
	.name = "pkey_mprotect: memory taken from a neighbour, or given",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
