/*
 * See sweep.h. Each jump needs only its registers, a stack to start from and
 * the control block laid out anew; every so often all of it is, and the victims
 * and the worker are looked at. Test side.
 */
#include "tests/security/sweep.h"

#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/box_child.h"

enum {
	FRESH_EACH = 128,
	LOOK_US = 500,
	PATIENCE = 6, /* looks without progress */
	KLOG_READ_ALL = 3,
	KLOG_BYTES = 1 << 20,
};

/* Keeper, meanwhile. --------------------------------------------------------
 */

static void sweep_watch(struct box *b)
{
	static uint64_t seen;
	static unsigned idle;

	(void)usleep(LOOK_US);
	if (seen != b->beat) {
		seen = b->beat;
		idle = 0;
		return;
	}
	if (++idle < PATIENCE || b->done)
		return;
	idle = 0;
	(void)syscall(SYS_tgkill, getpid(), b->tid, SIGURG);
}

/* T. ------------------------------------------------------------------------
 */

static void sweep_put(struct box *b, uint64_t to, const void *from, size_t n)
{
	gate_copy_in(
		&b->gate, domain_key(&b->attacker.domain), (void *)to, from, n);
}

/* Back to the first instruction, with the next registers. */
static void sweep_reset(struct box *b, const struct box_attack *a)
{
	uint64_t at = b->attacker.attack;

	box_restart(b, &b->attacker, jump_in);
	sweep_put(b, at + offsetof(struct box_attack, n), a->n, sizeof(a->n));
	sweep_put(b, at + offsetof(struct box_attack, jump), &a->jump,
		sizeof(a->jump));
}

static void sweep_lay_out(struct box *b, struct box_attack *a, bool fresh)
{
	a->n[JUMP_N_LEAN] = !fresh;
	if (fresh)
		box_prepare(b, &b->attacker, jump_in, a);
	else
		sweep_reset(b, a);
}

static void sweep_note(struct box *b, const struct box_end *e)
{
	uint64_t *number = b->report->number;

	number[SWEEP_JUMPS]++;
	number[SWEEP_LEAKS] += e->leaked;
	number[SWEEP_WRONG] += e->pkru != b->thread->pkru;
	number[SWEEP_STUCK] +=
		e->how == GATE_ABORTED && e->fault.signal == SIGURG;
	number[SWEEP_LEFT] += e->how == GATE_LEFT;
}

static void sweep_session(struct box *b, const void *arg)
{
	const struct sweep *s = arg;
	const struct jump *j = &s->set->jump;
	struct box_attack a = {.n = {[JUMP_N_LOOT] = j->loot,
				       [JUMP_N_GS] = j->gs,
				       [JUMP_N_FAKE_PAGE] = j->fake_page}};
	struct box_end *end = &b->report->end[0];
	uint64_t *number = b->report->number;

	b->report->n_ends = 1;
	b->meanwhile = sweep_watch;
	for (const unsigned char *at = s->from; at < s->to; at += s->step) {
		if (s->skip && s->skip(at))
			continue;
		a.jump = j->to;
		a.jump.r11 = (uint64_t)at;
		if (number[SWEEP_LEAKS] == 0)
			number[SWEEP_AT] = (uint64_t)(at - s->from);
		sweep_lay_out(b, &a, number[SWEEP_JUMPS] % FRESH_EACH == 0);
		memset(end, 0, sizeof(*end));
		box_enter(b, &b->attacker, end);
		b->beat++;
		sweep_note(b, end);
		if (end->leaked)
			break;
	}
	b->meanwhile = NULL;
	box_check(b, end);
}

/* The emulator. -------------------------------------------------------------
 * QEMU's reads the stack of a 32-bit wide far return with the kernel's rights;
 * the kernel then takes an error of its own and ends the thread. On a CPU such
 * an instruction is like any other, so there nothing is forgiven.
 */

static bool emulated(void)
{
	static const char name[12] = {
		'T', 'C', 'G', 'T', 'C', 'G', 'T', 'C', 'G', 'T', 'C', 'G'};
	unsigned a, id[3];

	__cpuid(0x40000000, a, id[0], id[1], id[2]);
	return memcmp(id, name, sizeof(name)) == 0;
}

/* Errors of the kernel's own, so far: it numbers them, "Oops: 0000 [#7]". */
static unsigned long kernel_errors(void)
{
	static char text[KLOG_BYTES];
	int len = klogctl(KLOG_READ_ALL, text, sizeof(text) - 1);
	unsigned long last = 0;

	if (len < 0)
		return 0;
	text[len] = '\0';
	for (const char *at = text; (at = strstr(at, "Oops:")) != NULL; at++) {
		const char *number = strstr(at, "[#");

		if (number)
			last = strtoul(number + 2, NULL, 10);
	}
	return last;
}

static bool emulator_failed(const struct box_report *r, unsigned long errors)
{
	return WIFEXITED(r->status) &&
	       WEXITSTATUS(r->status) == BOX_EXIT_LOST &&
	       r->number[SWEEP_LEAKS] == 0 && r->number[SWEEP_WRONG] == 0 &&
	       emulated() && kernel_errors() > errors;
}

/* Verdicts. -----------------------------------------------------------------
 */

/* Goes on behind each place where the emulator failed. ret_number: sums. */
static const struct box_report *sweep_run(const struct box_off *off,
	struct sweep s, uint64_t ret_number[BOX_NUMBERS])
{
	const unsigned char *from = s.from;
	const struct box_report *r;
	bool again;

	memset(ret_number, 0, BOX_NUMBERS * sizeof(*ret_number));
	do {
		unsigned long errors = kernel_errors();

		r = box_run(off, sweep_session, &s);
		for (unsigned i = 0; i < SWEEP_AT; i++)
			ret_number[i] += r->number[i];
		s.from += r->number[SWEEP_AT];
		ret_number[SWEEP_AT] = (uint64_t)(s.from - from);
		again = emulator_failed(r, errors);
		ret_number[SWEEP_FAILED] += again;
		s.from += s.step;
	} while (again);
	return r;
}

static void sweep_say(const char *what, const struct box_report *r,
	const uint64_t number[BOX_NUMBERS])
{
	attack_say("%s: %lu jumps, %lu leaks, %lu wrong, at +%#lx", what,
		number[SWEEP_JUMPS], number[SWEEP_LEAKS], number[SWEEP_WRONG],
		number[SWEEP_AT]);
	box_say(what, r);
}

uint64_t sweep_cases(struct sweep s, const struct sweep_set *sets, size_t n)
{
	uint64_t jumps = 0, stuck = 0, left = 0, failed = 0;
	uint64_t number[BOX_NUMBERS];

	for (size_t i = 0; i < n; i++) {
		const struct box_report *r;

		s.set = &sets[i];
		r = sweep_run(NULL, s, number);
		jumps += number[SWEEP_JUMPS];
		stuck += number[SWEEP_STUCK];
		left += number[SWEEP_LEFT];
		failed += number[SWEEP_FAILED];
		if (!attack_held(box_survived(r) && number[SWEEP_JUMPS] &&
					 number[SWEEP_LEAKS] == 0 &&
					 number[SWEEP_WRONG] == 0,
			    "%s", sets[i].name))
			sweep_say("defended", r, number);
	}
	attack_note("%lu jumps: %lu ended in a fault, %lu in a hostcall, %lu "
		    "were stopped by the keeper; %lu were too much for the "
		    "emulator",
		jumps, jumps - stuck - left, left, stuck, failed);
	return jumps;
}

void sweep_control(struct sweep s, const struct sweep_set *set,
	const struct box_off *without)
{
	const struct box_report *r;
	uint64_t number[BOX_NUMBERS];

	s.set = set;
	r = sweep_run(without, s, number);
	if (!attack_worked(number[SWEEP_LEAKS] > 0, "%s", set->name))
		sweep_say("control", r, number);
}
