/*
 * Memory taken from under the runtime, or a neighbour.
 */
#include <errno.h>
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void unmap(struct box_attack *a)
{
	uint64_t at = a->place[a->n[0]] & ~(uint64_t)4095;

	if (a->n[0] == BOX_OTHER)
		(void)walls_call(
			SYS_munmap, at - BOX_SECRET_AT, 128 << 10, 0, 0);
	else
		(void)walls_call(SYS_munmap, at, 4096, 0, 0);
	__builtin_trap();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"a neighbour", unmap, SYS_munmap, .answered = true,
			.err = ENOMEM, .harm = WALLS_HARMED, .n = {BOX_OTHER}},
		{"the worker's stack", unmap, SYS_munmap, .answered = true,
			.err = ENOMEM, .harm = WALLS_HARMED, .n = {BOX_STACK}},
		{"the runtime's data", unmap, SYS_munmap, .answered = true,
			.err = ENOMEM, .harm = WALLS_HARMED, .n = {BOX_DATA}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e08 = {
	.id = "E08",
	.name = "munmap of a victim",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
