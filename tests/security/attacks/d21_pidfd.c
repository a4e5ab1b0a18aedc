/*
 * Handles on processes, and through them on their descriptors.
 */
#include <linux/kcmp.h>
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
static void compare(struct box_attack *a)
{
	box_got(walls_call(SYS_kcmp, a->n[0], a->n[0], KCMP_VM, 0));
}

/* U. */
static void open_pid(struct box_attack *a)
{
	box_got(walls_call(SYS_pidfd_open, a->n[0], 0, 0, 0));
}

/* U. */
static void get_fd(struct box_attack *a)
{
	box_got(walls_call(
		SYS_pidfd_getfd, a->n[1], (uint64_t)a->ring_fd, 0, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"kcmp", compare, SYS_kcmp, .harm = WALLS_MADE,
			.before = name_us},
		{"pidfd_open", open_pid, SYS_pidfd_open, .harm = WALLS_MADE,
			.before = name_us},
		{"pidfd_getfd", get_fd, SYS_pidfd_getfd, .harm = WALLS_MADE,
			.before = name_us},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d21 = {
	.id = "D21",
	.name = "kcmp, pidfd_open, pidfd_getfd",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
