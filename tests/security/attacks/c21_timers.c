/*
 * Timers whose signal comes later, when the runtime or a neighbour runs: its
 * default action ends the process.
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
__attribute__((noreturn)) static void wait_for_it(void)
{
	for (;;)
		__builtin_ia32_pause();
}

/* U. */
static void do_setitimer(struct box_attack *a)
{
	const struct itimerval t = {{0, 1000}, {0, 1000}};

	(void)walls_call(SYS_setitimer, a->n[0], (uint64_t)&t, 0, 0);
	wait_for_it();
}

/* U. The kernel's struct sigevent, filled in by hand. */
static void do_timer(struct box_attack *a)
{
	struct sigevent ev;
	const struct itimerspec t = {{0, 1000000}, {0, 1000000}};
	int id = 0;

	memset(&ev, 0, sizeof(ev));
	ev.sigev_signo = SIGALRM;
	ev.sigev_notify = SIGEV_SIGNAL;
	(void)walls_call(SYS_timer_create, CLOCK_MONOTONIC, (uint64_t)&ev,
		(uint64_t)&id, 0);
	(void)walls_call(SYS_timer_settime, (uint64_t)id, 0, (uint64_t)&t, 0);
	(void)a;
	wait_for_it();
}

/* U. */
static void do_alarm(struct box_attack *a)
{
	(void)a;
	(void)walls_call(SYS_alarm, 1, 0, 0, 0);
	wait_for_it();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"setitimer, real", do_setitimer, SYS_setitimer,
			.harm = WALLS_HARMED, .n = {ITIMER_REAL}},
		{"setitimer, virtual", do_setitimer, SYS_setitimer,
			.harm = WALLS_HARMED, .n = {ITIMER_VIRTUAL}},
		{"setitimer, profiling", do_setitimer, SYS_setitimer,
			.harm = WALLS_HARMED, .n = {ITIMER_PROF}},
		{"timer_create", do_timer, SYS_timer_create,
			.harm = WALLS_HARMED},
		{"alarm", do_alarm, SYS_alarm, .harm = WALLS_HARMED},
	};

	WALLS_TRY(cases);
}

const struct attack attack_c21 = {
	.id = "C21",
	.name = "timers that signal the daemon",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
