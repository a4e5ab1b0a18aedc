/*
 * Another view of the file system, or none, for the whole daemon. The controls
 * need a privileged user; what they mount is in a namespace of their own.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper. */
static void open_namespace(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int fd = open("/proc/self/ns/uts", O_RDONLY);

	(void)b;
	CHECK(fd >= 0);
	a->n[0] = (uint64_t)fd;
}

/* U. */
static void mount_it(struct box_attack *a)
{
	const uint64_t own[6] = {
		0, (uint64_t) "/", 0, MS_REC | MS_PRIVATE, 0, 0};
	const uint64_t tmp[6] = {(uint64_t) "none", (uint64_t) "/proc",
		(uint64_t) "tmpfs", 0, 0, 0};

	(void)a;
	(void)walls_call(SYS_unshare, CLONE_NEWNS | CLONE_FS, 0, 0, 0);
	(void)walls_call6(SYS_mount, own);
	(void)walls_call6(SYS_mount, tmp);
	box_got(walls_call(SYS_umount2, (uint64_t) "/proc", 2, 0, 0));
}

/* U. */
static void enter(struct box_attack *a)
{
	box_got(walls_call(SYS_setns, a->n[0], 0, 0, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		WALLS_MAKE(unshare, CLONE_FILES),
		WALLS_MAKE(unshare, CLONE_NEWNS | CLONE_FS),
		{"mount, pivoted away", mount_it, SYS_unshare,
			.harm = WALLS_MADE},
		{"setns", enter, SYS_setns, .harm = WALLS_MADE,
			.before = open_namespace},
		WALLS_MAKE(chroot, (uint64_t) "/"),
		WALLS_MAKE(fsopen, (uint64_t) "tmpfs", 0),
	};

	WALLS_TRY(cases);
}

const struct attack attack_f16 = {
	.id = "F16",
	.name = "namespaces, mounts and roots",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
