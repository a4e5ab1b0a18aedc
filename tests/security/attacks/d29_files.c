/*
 * The file system, as the daemon's user.
 */
#include <fcntl.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void folder(struct box_attack *a)
{
	static const char name[] = "/tmp/gvisord-seceval.1";
	static const char other[] = "/tmp/gvisord-seceval.2";

	(void)a;
	(void)walls_call(SYS_mkdir, (uint64_t)name, 0700, 0, 0);
	(void)walls_call(SYS_rename, (uint64_t)name, (uint64_t)other, 0, 0);
	box_got(walls_call(SYS_rmdir, (uint64_t)other, 0, 0, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"mkdir, rename, rmdir", folder, SYS_mkdir, .harm = WALLS_MADE},
		WALLS_MAKE(openat, (uint64_t)-100, (uint64_t) "/", O_PATH),
		WALLS_MAKE(access, (uint64_t) "/", 0),
		WALLS_MAKE(umask, 077),
		WALLS_MAKE(chdir, (uint64_t) "."),
		WALLS_MAKE(statfs, (uint64_t) "/", OWN(0)),
		WALLS_MAKE(faccessat, (uint64_t)-100, (uint64_t) "/", 0),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d29 = {
	.id = "D29",
	.name = "files made, renamed and removed",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
