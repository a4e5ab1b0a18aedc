/*
 * Identity is a thread's for the kernel: a worker that is somebody else can't
 * do its work, or can do more.
 */
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. All of them, for ever. */
static void drop(struct box_attack *a)
{
	const uint32_t header[2] = {0x20080522, 0};
	const uint32_t none[6] = {0};

	(void)a;
	box_got(walls_call(SYS_capset, (uint64_t)header, (uint64_t)none, 0, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		WALLS_MAKE(setuid, 0),
		WALLS_MAKE(setgid, 0),
		WALLS_MAKE(setresuid, (uint64_t)-1, (uint64_t)-1, (uint64_t)-1),
		WALLS_MAKE(setfsuid, (uint64_t)-1),
		WALLS_MAKE(setgroups, 0, 0),
		{"capset", drop, SYS_capset, .harm = WALLS_MADE},
		WALLS_MAKE(getgroups, 0, 0),
		WALLS_MAKE(setresgid, (uint64_t)-1, (uint64_t)-1, (uint64_t)-1),
	};

	WALLS_TRY(cases);
}

const struct attack attack_f19 = {
	.id = "F19",
	.name = "other users, groups and capabilities",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
