/* io_uring_enter with a guessed cookie. See ../cookies.h. */
#include "tests/security/attack.h"
#include "tests/security/cookies.h"
#include "tests/security/walls.h"

/* U. */
static void call(struct box_attack *a)
{
	const uint64_t n[7] = {
		SYS_io_uring_enter, (unsigned)a->ring_fd, 0, 0, 0, 0, a->n[1]};

	box_got(box_syscall(n));
}

static void run(void)
{
	static const struct cookies_call c = {call, SYS_io_uring_enter};

	cookies_try(&c);
}

const struct attack attack_f22 = {
	.id = "F22",
	.name = "io_uring_enter with a guess at the thread's cookie",
	.layer = "seccomp: the cookie",
	.off = "dispatch; the cookie is given",
	.run = run,
};
