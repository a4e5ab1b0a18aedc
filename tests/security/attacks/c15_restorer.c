/*
 * The same by a jump to the C library's own rt_sigreturn, which every handler
 * returns through: whose code makes the call must not matter.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/forge.h"
#include "tests/security/walls.h"

struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

/* Keeper. */
static void find_restorer(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	struct kernel_sigaction sa;

	(void)b;
	CHECK(syscall(SYS_rt_sigaction, SIGILL, NULL, &sa, 8) == 0);
	a->n[1] = sa.restorer;
}

/* U. */
static void jump_there(struct box_attack *a)
{
	struct box_jump j = {.rsp = forge_frame(a, forge_loot), .r11 = a->n[1]};

	box_jump(&j);
}

static void run(void)
{
	static const struct walls_case c = {"the C library's __restore_rt",
		jump_there, SYS_rt_sigreturn, .harm = WALLS_LEAKED,
		.n = {BOX_HEAP}, .before = find_restorer};

	walls_try(&c);
}

const struct attack attack_c15 = {
	.id = "C15",
	.name = "rt_sigreturn by a jump to the C library's __restore_rt",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
