/*
 * Advice on memory that is not the isolate's: paged out, moved, bound
 * elsewhere.
 */
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper: this process, and a descriptor of it. */
static void name_us(struct box *b, void *attack)
{
	struct box_attack *a = attack;

	(void)b;
	a->n[0] = (uint64_t)getpid();
	a->n[1] = (uint64_t)syscall(SYS_pidfd_open, getpid(), 0);
	CHECK((int64_t)a->n[1] >= 0);
}

/* U. */
static void advise(struct box_attack *a)
{
	const struct iovec v = {(void *)a->place[BOX_HEAP], 4096};

	box_got(walls_call(
		SYS_process_madvise, a->n[1], (uint64_t)&v, 1, MADV_COLD));
}

/* U. */
static void move(struct box_attack *a)
{
	const uint64_t at = a->place[BOX_HEAP];
	int status = 0;
	const uint64_t args[6] = {0, 1, (uint64_t)&at, 0, (uint64_t)&status, 0};

	box_got(walls_call6(SYS_move_pages, args));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"process_madvise", advise, SYS_process_madvise,
			.harm = WALLS_MADE, .before = name_us},
		{"move_pages", move, SYS_move_pages, .harm = WALLS_MADE,
			.before = name_us},
		WALLS_MAKE(mbind, PLACE(BOX_HEAP), 4096, 0, 0, 0, 0),
		WALLS_MAKE(set_mempolicy, 0, 0, 0),
		WALLS_MAKE(mlock, OWN(0), 4096),
		WALLS_MAKE(mincore, PLACE(BOX_HEAP), 4096, OWN(0)),
		WALLS_MAKE(msync, PLACE(BOX_HEAP), 4096, 4),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d22 = {
	.id = "D22",
	.name = "process_madvise, move_pages, mbind on a victim",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
