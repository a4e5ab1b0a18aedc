/*
 * What the kernel tells of a process: its layout, its keys, its environment,
 * its files.
 */
#include <errno.h>
#include <fcntl.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. Leaves with how much there is to read of it. */
static void read_file(struct box_attack *a)
{
	uint64_t fd = walls_call(SYS_open, a->n[0], O_RDONLY, 0, 0);
	uint64_t n =
		walls_call(SYS_read, fd, (uint64_t)a->area, sizeof(a->area), 0);

	box_got(n > 0 ? n : (uint64_t)-ENODATA);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"maps", read_file, SYS_open, .harm = WALLS_MADE,
			.n = {(uint64_t) "/proc/self/maps"}},
		{"smaps", read_file, SYS_open, .harm = WALLS_MADE,
			.n = {(uint64_t) "/proc/self/smaps"}},
		{"environ", read_file, SYS_open, .harm = WALLS_MADE,
			.n = {(uint64_t) "/proc/self/environ"}},
		{"auxv", read_file, SYS_open, .harm = WALLS_MADE,
			.n = {(uint64_t) "/proc/self/auxv"}},
		{"cmdline", read_file, SYS_open, .harm = WALLS_MADE,
			.n = {(uint64_t) "/proc/self/cmdline"}},
		{"status", read_file, SYS_open, .harm = WALLS_MADE,
			.n = {(uint64_t) "/proc/self/status"}},
		{"syscall", read_file, SYS_open, .harm = WALLS_MADE,
			.n = {(uint64_t) "/proc/self/syscall"}},
		{"pagemap", read_file, SYS_open, .harm = WALLS_MADE,
			.n = {(uint64_t) "/proc/self/pagemap"}},
		{"limits", read_file, SYS_open, .harm = WALLS_MADE,
			.n = {(uint64_t) "/proc/self/limits"}},
		{"mountinfo", read_file, SYS_open, .harm = WALLS_MADE,
			.n = {(uint64_t) "/proc/self/mountinfo"}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d05 = {
	.id = "D05",
	.name = "other files of /proc/self",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
