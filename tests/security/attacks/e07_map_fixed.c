/*
 * A new mapping where another one is takes its place; and it has key 0, not
 * the key of what was there.
 */
#include <errno.h>
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void map_over(struct box_attack *a)
{
	uint64_t at = a->place[a->n[0]] & ~(uint64_t)4095;
	uint64_t args[6] = {at, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (uint64_t)-1, 0};

	if (a->n[0] == BOX_OTHER) {
		args[0] = at - BOX_SECRET_AT;
		args[1] = 128 << 10;
	}
	(void)walls_call6(SYS_mmap, args);
	__builtin_trap();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"a neighbour", map_over, SYS_mmap, .answered = true,
			.err = ENOMEM, .harm = WALLS_HARMED, .n = {BOX_OTHER}},
		{"the runtime's data", map_over, SYS_mmap, .answered = true,
			.err = ENOMEM, .harm = WALLS_HURT, .place = BOX_DATA,
			.n = {BOX_DATA}},
		{"the dispatch selector", map_over, SYS_mmap, .answered = true,
			.err = ENOMEM, .harm = WALLS_HARMED,
			.n = {BOX_SELECTOR}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e07 = {
	.id = "E07",
	.name = "mmap over a victim",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
