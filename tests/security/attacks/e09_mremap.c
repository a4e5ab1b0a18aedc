/*
 * The page comes along with its key; which pkey_mprotect then changes.
 */
#include <errno.h>
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static uint64_t move(uint64_t from, uint64_t size, uint64_t to)
{
	const uint64_t args[6] = {
		from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to, 0};

	return walls_call6(SYS_mremap, args);
}

/* U. */
static void steal(struct box_attack *a)
{
	uint64_t at = move(a->place[a->n[0]], 4096, a->stack + (400 << 10));

	(void)walls_call(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_WRITE,
		walls_own_key(a));
	box_got(*(volatile uint64_t *)at);
}

/* U. */
static void move_away(struct box_attack *a)
{
	(void)move(a->place[BOX_OTHER] - BOX_SECRET_AT, 128 << 10,
		a->stack + (300 << 10));
	box_done();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"heap", steal, SYS_mremap, .answered = true, .err = ENOMEM,
			.harm = WALLS_LEAKED, .n = {BOX_HEAP}},
		{"resident isolate", steal, SYS_mremap, .answered = true,
			.err = ENOMEM, .harm = WALLS_LEAKED, .n = {BOX_OTHER}},
		{"parked isolate", steal, SYS_mremap, .answered = true,
			.err = ENOMEM, .harm = WALLS_LEAKED, .n = {BOX_PARKED}},
		{"a neighbour's stack moved away", move_away, SYS_mremap,
			.answered = true, .err = ENOMEM, .harm = WALLS_HARMED},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e09 = {
	.id = "E09",
	.name = "mremap: a victim's page moved to oneself",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
