/*
 * The kernel makes such memory with a key that it allocates behind the
 * program's back, if one is free, and leaves open in other threads.
 */
#include <errno.h>
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static uint64_t own_page(const struct box_attack *a)
{
	return a->stack + (400 << 10);
}

/* U. */
static void exec_only(struct box_attack *a)
{
	box_got(walls_call(SYS_mprotect, own_page(a), 4096, PROT_EXEC, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"its own page", exec_only, SYS_mprotect, .answered = true,
			.err = ENOMEM, .harm = WALLS_MADE},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e17 = {
	.id = "E17",
	.name = "mprotect: execute-only memory",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
