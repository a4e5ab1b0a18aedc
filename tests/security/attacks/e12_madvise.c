/*
 * Advice that throws contents away asks no key.
 */
#include <errno.h>
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void advise(struct box_attack *a)
{
	(void)walls_call(SYS_madvise, a->place[a->n[0]] & ~(uint64_t)4095,
		a->n[2], a->n[1], 0);
	box_done();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"heap, remove", advise, SYS_madvise, .answered = true,
			.err = ENOMEM, .harm = WALLS_HURT, .place = BOX_HEAP,
			.n = {BOX_HEAP, MADV_REMOVE, 4096}},
		{"resident isolate, remove", advise, SYS_madvise,
			.answered = true, .err = ENOMEM, .harm = WALLS_HURT,
			.place = BOX_OTHER,
			.n = {BOX_OTHER, MADV_REMOVE, 4096}},
		{"parked isolate, remove", advise, SYS_madvise,
			.answered = true, .err = ENOMEM, .harm = WALLS_HURT,
			.place = BOX_PARKED,
			.n = {BOX_PARKED, MADV_REMOVE, 4096}},
		{".data, don't need", advise, SYS_madvise, .answered = true,
			.err = ENOMEM, .harm = WALLS_HURT, .place = BOX_DATA,
			.n = {BOX_DATA, MADV_DONTNEED, 4096}},
		{"the worker's stack, don't need", advise, SYS_madvise,
			.answered = true, .err = ENOMEM, .harm = WALLS_HARMED,
			.n = {BOX_STACK, MADV_DONTNEED, 4096}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e12 = {
	.id = "E12",
	.name = "madvise: a victim's memory emptied",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
