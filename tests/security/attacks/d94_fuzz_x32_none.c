/* The system call fuzzer, in one dialect, with one kind of vsyscall page: see
 * ../fuzz.h. */
#include "tests/security/attack.h"
#include "tests/security/fuzz.h"

static void run(void)
{
	fuzz_run(FUZZ_SYSCALL_X32);
}

const struct attack attack_d94 = {
	.id = "D94",
	.name = "every system call number, x32, no vsyscall page",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
	.boot = "vsyscall=none",
};
