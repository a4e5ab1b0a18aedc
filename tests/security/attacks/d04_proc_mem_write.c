/*
 * The file that is the process's memory: writes to it ask no key, nor whether
 * the page may be written at all.
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
static void write_mem(struct box_attack *a)
{
	(void)walls_call(SYS_pwrite64, open_mem(a, O_RDWR), (uint64_t)a->area,
		64, a->place[a->n[0]]);
	box_done();
}

/* U. UD2 where the worker enters isolates. */
static void write_text(struct box_attack *a)
{
	static const unsigned char ud2[2] = {0x0f, 0x0b};

	(void)walls_call(SYS_pwrite64, open_mem(a, O_RDWR), (uint64_t)ud2,
		sizeof(ud2), (uint64_t)gate_start);
	box_done();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"heap", write_mem, SYS_open, .harm = WALLS_HURT,
			.place = BOX_HEAP, .n = {BOX_HEAP, SYS_open}},
		{"resident isolate", write_mem, SYS_openat, .harm = WALLS_HURT,
			.place = BOX_OTHER, .n = {BOX_OTHER, SYS_openat}},
		{"parked isolate", write_mem, SYS_openat2, .harm = WALLS_HURT,
			.place = BOX_PARKED, .n = {BOX_PARKED, SYS_openat2}},
		{"the gate's text", write_text, SYS_openat,
			.harm = WALLS_HARMED, .n = {0, SYS_openat}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d04 = {
	.id = "D04",
	.name = "/proc/self/mem written, also over text",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
