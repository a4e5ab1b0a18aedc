/*
 * The file that is the process's memory: reads of it ask no key.
 */
#include <fcntl.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. n[1]: the call to open it by. */
static uint64_t open_mem(const struct box_attack *a, uint64_t flags)
{
	static const char path[] = "/proc/self/mem";
	const uint64_t how[3] = {flags, 0, 0};

	if (a->n[1] == SYS_open)
		return walls_call(SYS_open, (uint64_t)path, flags, 0, 0);
	return walls_call(a->n[1], (uint64_t)AT_FDCWD, (uint64_t)path,
		a->n[1] == SYS_openat2 ? (uint64_t)how : flags, sizeof(how));
}

/* U. */
static void read_mem(struct box_attack *a)
{
	uint64_t got = 0;

	(void)walls_call(SYS_pread64, open_mem(a, O_RDONLY), (uint64_t)&got,
		sizeof(got), a->place[a->n[0]]);
	box_got(got);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"heap, open", read_mem, SYS_open, .harm = WALLS_LEAKED,
			.n = {BOX_HEAP, SYS_open}},
		{"resident isolate, openat", read_mem, SYS_openat,
			.harm = WALLS_LEAKED, .n = {BOX_OTHER, SYS_openat}},
		{"parked isolate, openat2", read_mem, SYS_openat2,
			.harm = WALLS_LEAKED, .n = {BOX_PARKED, SYS_openat2}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d03 = {
	.id = "D03",
	.name = "/proc/self/mem read",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
