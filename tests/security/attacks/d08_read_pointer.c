/*
 * A system call that writes memory for the isolate: the kernel does that with
 * the isolate's own rights, and finds none.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper. */
static void open_zero(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int fd = open("/dev/zero", O_RDONLY);

	(void)b;
	CHECK(fd >= 0);
	a->n[1] = (uint64_t)fd;
}

/* U. */
static void do_read(struct box_attack *a)
{
	(void)walls_call(SYS_read, a->n[1], a->place[a->n[0]], 64, 0);
	box_done();
}

/* U. */
static void do_pread(struct box_attack *a)
{
	(void)walls_call(SYS_pread64, a->n[1], a->place[a->n[0]], 64, 0);
	box_done();
}

/* U. */
static void do_readv(struct box_attack *a)
{
	const struct iovec v = {(void *)a->place[a->n[0]], 64};

	(void)walls_call(SYS_readv, a->n[1], (uint64_t)&v, 1, 0);
	box_done();
}

/* U. */
static void do_random(struct box_attack *a)
{
	(void)walls_call(SYS_getrandom, a->place[a->n[0]], 64, 0, 0);
	box_done();
}

/* U. */
static void do_uname(struct box_attack *a)
{
	(void)walls_call(SYS_uname, a->place[a->n[0]], 0, 0, 0);
	box_done();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"read, heap", do_read, SYS_read, .keys = EFAULT,
			.harm = WALLS_HURT, .place = BOX_HEAP, .n = {BOX_HEAP},
			.before = open_zero},
		{"read, resident isolate", do_read, SYS_read, .keys = EFAULT,
			.harm = WALLS_HURT, .place = BOX_OTHER,
			.n = {BOX_OTHER}, .before = open_zero},
		{"read, parked isolate", do_read, SYS_read, .keys = EFAULT,
			.harm = WALLS_HURT, .place = BOX_PARKED,
			.n = {BOX_PARKED}, .before = open_zero},
		{"pread64, heap", do_pread, SYS_pread64, .keys = EFAULT,
			.harm = WALLS_HURT, .place = BOX_HEAP, .n = {BOX_HEAP},
			.before = open_zero},
		{"readv, heap", do_readv, SYS_readv, .keys = EFAULT,
			.harm = WALLS_HURT, .place = BOX_HEAP, .n = {BOX_HEAP},
			.before = open_zero},
		{"getrandom, heap", do_random, SYS_getrandom, .keys = EFAULT,
			.harm = WALLS_HURT, .place = BOX_HEAP, .n = {BOX_HEAP}},
		{"uname, heap", do_uname, SYS_uname, .keys = EFAULT,
			.harm = WALLS_HURT, .place = BOX_HEAP, .n = {BOX_HEAP}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d08 = {
	.id = "D08",
	.name = "a victim overwritten by a read of the kernel's",
	.layer = "dispatch, seccomp, keys",
	.off = "all three",
	.run = run,
};
