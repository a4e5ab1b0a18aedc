/*
 * FS is where the runtime has its thread's data, GS its gate page; a segment
 * of one's own is a way to other code.
 */
#include <asm/ldt.h>
#include <asm/prctl.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. The same base again: it needs its thread-local data to go on. */
static void set_fs(struct box_attack *a)
{
	uint64_t fs;

	(void)a;
	__asm__("mov %%fs:0, %0" : "=r"(fs));
	box_got(walls_call(SYS_arch_prctl, ARCH_SET_FS, fs, 0, 0));
}

/* U. The same base again, which the way back needs. */
static void set_gs(struct box_attack *a)
{
	(void)a;
	box_got(walls_call(SYS_arch_prctl, ARCH_SET_GS, box_gs(), 0, 0));
}

/* U. Returns an int, zero-extended. */
static void ldt(struct box_attack *a)
{
	const struct user_desc d = {.entry_number = 1,
		.limit = 0xfffff,
		.seg_32bit = 1,
		.contents = MODIFY_LDT_CONTENTS_CODE,
		.limit_in_pages = 1,
		.useable = 1};
	uint64_t got;

	(void)a;
	got = walls_call(SYS_modify_ldt, 1, (uint64_t)&d, sizeof(d), 0);
	box_got((uint64_t)(int64_t)(int32_t)got);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"ARCH_GET_GS", walls_make, SYS_arch_prctl, .harm = WALLS_MADE,
			.n = {SYS_arch_prctl, ARCH_GET_GS, OWN(0)}},
		{"ARCH_SET_GS", set_gs, SYS_arch_prctl, .harm = WALLS_MADE},
		{"ARCH_SET_FS", set_fs, SYS_arch_prctl, .harm = WALLS_MADE},
		{"ARCH_GET_CPUID", walls_make, SYS_arch_prctl,
			.harm = WALLS_MADE,
			.n = {SYS_arch_prctl, ARCH_GET_CPUID}},
		{"modify_ldt", ldt, SYS_modify_ldt, .harm = WALLS_MADE},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f15 = {
	.id = "F15",
	.name = "arch_prctl and modify_ldt: segments of one's own",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
