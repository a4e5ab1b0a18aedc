/*
 * Rights taken from others: they fault, and so does the runtime for them.
 */
#include <errno.h>
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void protect(struct box_attack *a)
{
	uint64_t at = a->place[a->n[0]] & ~(uint64_t)4095;

	if (a->n[0] == BOX_OTHER)
		at -= BOX_SECRET_AT;
	if (a->n[0] == BOX_ALTSTACK)
		at += GATE_ALTSTACK_SIZE - 8192;
	(void)walls_call(SYS_mprotect, at,
		a->n[0] == BOX_OTHER	  ? 128 << 10
		: a->n[0] == BOX_ALTSTACK ? 8192
					  : 4096,
		PROT_NONE, 0);
	__builtin_trap();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"a neighbour", protect, SYS_mprotect, .answered = true,
			.err = ENOMEM, .harm = WALLS_HARMED, .n = {BOX_OTHER}},
		{"the worker's stack", protect, SYS_mprotect, .answered = true,
			.err = ENOMEM, .harm = WALLS_HARMED, .n = {BOX_STACK}},
		{"the alternate stack", protect, SYS_mprotect, .answered = true,
			.err = ENOMEM, .harm = WALLS_HARMED,
			.n = {BOX_ALTSTACK}},
		{"the dispatch selector", protect, SYS_mprotect,
			.answered = true, .err = ENOMEM, .harm = WALLS_HARMED,
			.n = {BOX_SELECTOR}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e05 = {
	.id = "E05",
	.name = "mprotect of a neighbour's and of the runtime's memory",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
