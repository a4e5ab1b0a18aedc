/*
 * Sealed memory can't be given another key: the isolate could never be parked,
 * nor its key be another's.
 */
#include <errno.h>
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static uint64_t own_page(const struct box_attack *a)
{
	return a->stack + (400 << 10);
}

/* U. 462: mseal. */
static void seal(struct box_attack *a)
{
	box_got(walls_call(462, own_page(a), 4096, 0, 0));
}

/* Keeper: what parking does. */
static void look(struct box *b, void *attack)
{
	struct keys *keys = &b->keys;

	(void)attack;
	b->report->number[0] =
		keys->prim->tag(b->attacker.mem, BOX_ISOLATE_BYTES,
			PROT_READ | PROT_WRITE, keys->shared) == -EPERM;
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"its own memory", seal, 462, .harm = WALLS_SEEN,
			.after = look},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e15 = {
	.id = "E15",
	.name = "mseal of one's own memory",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
