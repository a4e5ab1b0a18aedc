/*
 * Memory of the process's that no isolate's limit knows of.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

enum {
	MORE = 1 << 20
};

/* U. What the break was comes along for the keeper to compare. */
static void grow(struct box_attack *a)
{
	uint64_t end = walls_call(SYS_brk, 0, 0, 0, 0);

	(void)a;
	if (end != 0)
		end = walls_call(SYS_brk, end + MORE, 0, 0, 0);
	box_got(end);
}

/* Keeper: the break is where the isolate put it. */
static void look(struct box *b, void *attack)
{
	const struct box_end *end = &b->report->end[0];

	(void)attack;
	b->report->number[0] = walls_got(end) && end->arg[0] != 0 &&
			       (uint64_t)sbrk(0) != end->arg[0] &&
			       (uint64_t)syscall(SYS_brk, 0) == end->arg[0];
}

/* U. */
static void map(struct box_attack *a)
{
	const uint64_t args[6] = {0, (uint64_t)1 << 30, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1, 0};

	(void)a;
	box_got(walls_call6(SYS_mmap, args));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"brk", grow, SYS_brk, .answered = true, .err = 0,
			.harm = WALLS_SEEN, .after = look},
		{"mmap", map, SYS_mmap, .answered = true, .err = ENOMEM,
			.harm = WALLS_MADE},
		WALLS_MAKE(mlockall, 2),
		WALLS_MAKE(munlockall, 0),
	};

	WALLS_TRY(cases);
}

const struct attack attack_e10 = {
	.id = "E10",
	.name = "brk and mmap: memory nobody counted",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
