/*
 * The alternate stack taken away, or put over a victim, so that the next
 * signal's frame is written there with all keys open.
 */
#include <signal.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. n[0] the victim. */
static void take_away(struct box_attack *a)
{
	const stack_t none = {.ss_flags = SS_DISABLE};

	(void)walls_call(SYS_sigaltstack, (uint64_t)&none, 0, 0, 0);
	box_trap_at(a->place[a->n[0]] + BOX_PATTERN / 2);
}

/* U. */
static void put_over(struct box_attack *a)
{
	const stack_t victim = {
		.ss_sp = (void *)a->place[a->n[0]], .ss_size = BOX_PATTERN};

	(void)walls_call(SYS_sigaltstack, (uint64_t)&victim, 0, 0, 0);
	__builtin_trap();
}

#define CASE(what, fn, victim)                                                 \
	{                                                                      \
		what, fn, SYS_sigaltstack, .harm = WALLS_HURT,                 \
					   .place = (victim),                  \
					   .n = { victim }                     \
	}

static void run(void)
{
	static const struct walls_case cases[] = {
		CASE("disabled, heap", take_away, BOX_HEAP),
		CASE("disabled, resident isolate", take_away, BOX_OTHER),
		CASE("disabled, parked isolate", take_away, BOX_PARKED),
		CASE("moved to the heap", put_over, BOX_HEAP),
		CASE("moved to a resident isolate", put_over, BOX_OTHER),
		CASE("moved to a parked isolate", put_over, BOX_PARKED),
	};

	WALLS_TRY(cases);
}

const struct attack attack_c17 = {
	.id = "C17",
	.name = "the alternate stack disabled, or moved over a victim",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
