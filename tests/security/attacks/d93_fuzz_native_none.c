/* The system call fuzzer, in one dialect, with one kind of vsyscall page: see
 * ../fuzz.h. */
#include "tests/security/attack.h"
#include "tests/security/fuzz.h"

static void run(void)
{
	fuzz_run(FUZZ_SYSCALL);
}

const struct attack attack_d93 = {
	.id = "D93",
	.name = "every system call number, native, no vsyscall page",
	.layer = "dispatch, seccomp",
	.off = "the cookie check; both",
	.run = run,
	.boot = "vsyscall=none",
};
