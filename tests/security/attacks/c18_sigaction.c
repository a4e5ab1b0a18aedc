/*
 * A signal handler of the isolate's own: the kernel starts it with key 0 open,
 * where the runtime's memory is.
 */
#include <signal.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

#define RESTORER 0x04000000ul

struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

/* U. */
static void trap(void)
{
	__builtin_trap();
}

/* U. The handler finds the interrupted registers: what box_loot() needs. */
static void handle(struct box_attack *a)
{
	const struct kernel_sigaction sa = {(uint64_t)box_loot,
		SA_SIGINFO | SA_ONSTACK | RESTORER, (uint64_t)box_loot, 0};
	struct box_jump j = {.rbx = a->place[BOX_HEAP],
		.r12 = a->pkru_own,
		.r13 = a->stack + 16384,
		.r15 = box_gs(),
		.rsp = a->stack + 16384,
		.r11 = (uint64_t)trap};

	(void)walls_call(SYS_rt_sigaction, SIGILL, (uint64_t)&sa, 0, 8);
	box_jump(&j);
}

/* U. The default: death. */
static void unhandle(struct box_attack *a)
{
	const struct kernel_sigaction sa = {.flags = 0};

	(void)a;
	(void)walls_call(SYS_rt_sigaction, SIGILL, (uint64_t)&sa, 0, 8);
	__builtin_trap();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"own handler", handle, SYS_rt_sigaction, .harm = WALLS_LEAKED},
		{"default action", unhandle, SYS_rt_sigaction,
			.harm = WALLS_HARMED},
	};

	WALLS_TRY(cases);
}

const struct attack attack_c18 = {
	.id = "C18",
	.name = "signal handlers replaced by the isolate's own, or by none",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
