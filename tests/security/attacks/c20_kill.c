/* Signals to the daemon, by every call that sends one. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper: who to. */
static void name_us(struct box *b, void *attack)
{
	struct box_attack *a = attack;

	a->n[5] = (uint64_t)getpid();
	a->n[6] = (uint64_t)b->tid;
}

/* Keeper. */
static void open_us(struct box *b, void *attack)
{
	struct box_attack *a = attack;

	name_us(b, attack);
	a->n[4] = (uint64_t)syscall(SYS_pidfd_open, getpid(), 0);
	CHECK((int64_t)a->n[4] >= 0);
}

/* U. */
static void do_kill(struct box_attack *a)
{
	box_got(walls_call(SYS_kill, a->n[5], a->n[0], 0, 0));
}

/* U. */
static void do_tkill(struct box_attack *a)
{
	box_got(walls_call(SYS_tkill, a->n[6], a->n[0], 0, 0));
}

/* U. */
static void do_tgkill(struct box_attack *a)
{
	box_got(walls_call(SYS_tgkill, a->n[5], a->n[6], a->n[0], 0));
}

/* U. */
static void do_pidfd(struct box_attack *a)
{
	box_got(walls_call(SYS_pidfd_send_signal, a->n[4], a->n[0], 0, 0));
}

/* U. With a siginfo of its own, which says what it likes. */
static void do_queue(struct box_attack *a)
{
	siginfo_t *si = (void *)a->area;

	si->si_signo = (int)a->n[0];
	si->si_code = SI_QUEUE;
	box_got(walls_call(
		SYS_rt_sigqueueinfo, a->n[5], a->n[0], (uint64_t)si, 0));
}

/* U. */
static void do_tgqueue(struct box_attack *a)
{
	siginfo_t *si = (void *)a->area;

	si->si_signo = (int)a->n[0];
	si->si_code = SI_QUEUE;
	box_got(walls_call(SYS_rt_tgsigqueueinfo, a->n[5], a->n[6], a->n[0],
		(uint64_t)si));
}

#define CASE(call, fn, sig, find)                                              \
	{                                                                      \
#call " " #sig, fn, SYS_##call, .harm = WALLS_HARMED,          \
						.n = {sig }, .before = (find)  \
	}

static void run(void)
{
	static const struct walls_case cases[] = {
		CASE(kill, do_kill, SIGKILL, name_us),
		CASE(kill, do_kill, SIGTERM, name_us),
		CASE(tkill, do_tkill, SIGKILL, name_us),
		CASE(tgkill, do_tgkill, SIGKILL, name_us),
		CASE(rt_sigqueueinfo, do_queue, SIGKILL, name_us),
		CASE(rt_tgsigqueueinfo, do_tgqueue, SIGALRM, name_us),
		CASE(pidfd_send_signal, do_pidfd, SIGKILL, open_us),
	};

	WALLS_TRY(cases);
}

const struct attack attack_c20 = {
	.id = "C20",
	.name = "signals sent to the daemon by every call that sends one",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
