/* The system call fuzzer, in one dialect, with one kind of vsyscall page: see
 * ../fuzz.h. */
#include "tests/security/attack.h"
#include "tests/security/fuzz.h"

static void run(void)
{
	fuzz_run(FUZZ_INT80);
}

const struct attack attack_d92 = {
	.id = "D92",
	.name = "every system call number, int 0x80",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
	.boot = "vsyscall=xonly",
};
