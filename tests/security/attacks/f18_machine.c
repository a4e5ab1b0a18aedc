/*
 * Ports, modules, another kernel, accounting, the clock, the end: for the
 * controls in forms that change nothing, so that what the kernel says of them
 * is all there is to see.
 */
#include <errno.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. Arguments that the kernel refuses, but only after it has looked whether
 * the caller may: n[1] says how. */
static void reach(struct box_attack *a)
{
	const uint64_t n[7] = {a->n[0], a->n[2], a->n[3]};

	box_got(box_syscall(n));
}

/* Keeper. */
static void look(struct box *b, void *attack)
{
	const struct box_attack *a = attack;

	b->report->number[0] =
		walls_got(&b->report->end[0]) &&
		b->report->end[0].arg[0] == (uint64_t) - (int64_t)a->n[1];
}

static void run(void)
{
	static const struct walls_case cases[] = {
		WALLS_MAKE(iopl, 3),
		WALLS_MAKE(ioperm, 0x80, 1, 1),
		WALLS_MAKE(adjtimex, OWN(0)),
		WALLS_MAKE(acct, 0),
		WALLS_MAKE(syslog, 10),
		WALLS_MAKE(sync, 0),
		{"reboot", reach, SYS_reboot, .harm = WALLS_SEEN,
			.n = {SYS_reboot, EINVAL}, .after = look},
		{"kexec_load", reach, SYS_kexec_load, .harm = WALLS_SEEN,
			.n = {SYS_kexec_load, EINVAL, 0, 17}, .after = look},
		{"init_module", reach, SYS_init_module, .harm = WALLS_SEEN,
			.n = {SYS_init_module, ENOEXEC}, .after = look},
		{"delete_module", reach, SYS_delete_module, .harm = WALLS_SEEN,
			.n = {SYS_delete_module, EFAULT}, .after = look},
		{"swapoff", reach, SYS_swapoff, .harm = WALLS_SEEN,
			.n = {SYS_swapoff, EFAULT}, .after = look},
		{"settimeofday", reach, SYS_settimeofday, .harm = WALLS_SEEN,
			.n = {SYS_settimeofday, EFAULT, 8}, .after = look},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f18 = {
	.id = "F18",
	.name = "calls that concern the whole machine",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
