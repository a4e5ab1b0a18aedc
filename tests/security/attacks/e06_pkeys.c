/*
 * A key is freed, and allocated again with rights; the pages that had it still
 * have it.
 */
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. The key that place BOX_OTHER has. */
static uint64_t its_key(const struct box_attack *a)
{
	uint64_t key = 2;

	while (a->pkru_other >> (2 * key) & 3)
		key++;
	return key;
}

/* U. */
static void free_key(struct box_attack *a)
{
	(void)walls_call(SYS_pkey_free, its_key(a), 0, 0, 0);
	(void)walls_call(SYS_pkey_alloc, 0, 0, 0, 0);
	box_got(*(volatile uint64_t *)a->place[BOX_OTHER]);
}

/* U. */
static void free_alone(struct box_attack *a)
{
	box_got(walls_call(SYS_pkey_free, its_key(a), 0, 0, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"a neighbour's key", free_key, SYS_pkey_free,
			.harm = WALLS_LEAKED},
		{"free alone", free_alone, SYS_pkey_free, .harm = WALLS_MADE},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e06 = {
	.id = "E06",
	.name = "pkey_free and pkey_alloc: a key in use made one's own",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
