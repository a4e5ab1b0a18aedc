/* rt_sigreturn with a guessed cookie. See ../cookies.h. */
#include "tests/security/attack.h"
#include "tests/security/cookies.h"
#include "tests/security/forge.h"
#include "tests/security/walls.h"

/* U. */
static void call(struct box_attack *a)
{
	box_sigreturn(forge_frame(a, forge_loot), a->n[1], a->n[2]);
}

static void run(void)
{
	static const struct cookies_call c = {
		call, SYS_rt_sigreturn, .leaks = true};

	cookies_try(&c);
}

const struct attack attack_f23 = {
	.id = "F23",
	.name = "rt_sigreturn with a guess at the thread's cookie",
	.layer = "seccomp: the cookie",
	.off = "dispatch; the cookie is given",
	.run = run,
};
