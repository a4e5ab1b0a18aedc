/* clock_gettime with a guessed cookie. See ../cookies.h. */
#include "tests/security/attack.h"
#include "tests/security/cookies.h"
#include "tests/security/walls.h"

/* U. */
static void call(struct box_attack *a)
{
	const uint64_t n[7] = {
		SYS_clock_gettime, 1, (uint64_t)a->area, 0, a->n[1], 0, 0};

	box_got(box_syscall(n));
}

static void run(void)
{
	static const struct cookies_call c = {
		call, SYS_clock_gettime, .errs = true};

	cookies_try(&c);
}

const struct attack attack_f21 = {
	.id = "F21",
	.name = "clock_gettime with a guess at the thread's cookie",
	.layer = "seccomp: the cookie",
	.off = "dispatch; the cookie is given",
	.run = run,
};
