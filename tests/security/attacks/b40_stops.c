/*
 * The keeper's stop at every moment: a storm of SIGURG while isolates are
 * entered, make hostcalls, leave and are copied to and from. Each stop must be
 * noted, or end the isolate; the worker survives, always in T outside and never
 * in T inside. Control: handlers that let another signal in.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/box.h"

enum {
	STOPS = 10000,
	WAIT_MAX = 4000, /* turns between two */
	WAIT_LANDED = 20000,
	TRIES = 8,
};

/* report->number */
enum {
	SENT,
	ENTRIES,
	ABORTED,
	REFUSED,
	NOTED,
	WRONG,
};

static uint64_t landed_of(const volatile uint64_t *number)
{
	return number[ABORTED] + number[REFUSED] + number[NOTED];
}

static uint64_t landed(const struct box *b)
{
	return landed_of(b->report->number);
}

/* Keeper. The next one at an odd moment after the last has landed, but for
 * those that were noted and overlooked. */
static void storm(struct box *b)
{
	static uint32_t random = 1;
	uint64_t before = landed(b);

	if (b->report->number[SENT] >= STOPS)
		return;
	(void)syscall(SYS_tgkill, getpid(), b->tid, SIGURG);
	b->report->number[SENT]++;
	/* The control wants them while one is handled. */
	if (b->off.mask)
		return;
	for (unsigned i = 0; i < WAIT_LANDED && landed(b) == before; i++)
		__asm__ volatile("");
	random = random * 1664525 + 1013904223;
	for (uint32_t n = (random >> 16) % WAIT_MAX; n > 0; n--)
		__asm__ volatile("");
}

/* U: tells its rights. */
static void call_in(struct box_attack *a)
{
	(void)a;
	for (;;)
		(void)gate_hostcall(BOX_AGAIN, box_pkru(), 0, 0, 0);
}

static void count_noted(struct box *b)
{
	b->report->number[NOTED] += b->thread->stop != 0;
	b->thread->stop = 0;
}

static void one_round(struct box *b, const struct box_attack *described)
{
	uint64_t *number = b->report->number;
	struct box_end end;
	uint64_t word = number[ENTRIES], back = 0;
	int key = domain_key(&b->attacker.domain);
	void *at = (void *)(b->attacker.attack +
			    offsetof(struct box_attack, value));

	gate_copy_in(&b->gate, key, at, &word, sizeof(word));
	count_noted(b);
	box_enter(b, &b->attacker, &end);
	count_noted(b);
	gate_copy_out(&b->gate, key, &back, at, sizeof(back));
	number[ENTRIES]++;
	number[ABORTED] += end.how == GATE_ABORTED;
	number[REFUSED] += end.how == GATE_REFUSED;
	number[WRONG] += back != word || end.pkru != b->thread->pkru ||
			 box_pkru() != b->thread->pkru;
	if (end.how == GATE_LEFT)
		number[WRONG] += end.nr != BOX_AGAIN ||
				 end.arg[0] != described->pkru_own;
	if (end.how == GATE_ABORTED) {
		number[WRONG] += end.fault.signal != SIGURG;
		box_restart(b, &b->attacker, call_in);
	}
}

static void session(struct box *b, const void *arg)
{
	static struct box_attack described;

	(void)arg;
	b->report->n_ends = 1;
	box_prepare(b, &b->attacker, call_in, NULL);
	gate_copy_out(&b->gate, domain_key(&b->attacker.domain), &described,
		(void *)b->attacker.attack, sizeof(described));
	b->meanwhile = storm;
	while (b->report->number[SENT] < STOPS)
		one_round(b, &described);
	b->meanwhile = NULL;
	/* A last one may still be on its way. */
	for (unsigned i = 0; i < 1000; i++)
		one_round(b, &described);
	b->report->end[0].pkru = box_pkru();
	box_check(b, &b->report->end[0]);
}

/* When a stop lands is chance, and on a busy machine many land as one: a storm
 * is raised again until every kind was seen. */
static bool seen_all(const uint64_t *n)
{
	return landed_of(n) > STOPS / 100 && n[ABORTED] > 0 && n[REFUSED] > 0 &&
	       n[NOTED] > 0;
}

static void defended(void)
{
	uint64_t n[BOX_NUMBERS] = {0};
	const struct box_report *r;
	bool good;
	unsigned tries = 0;

	do {
		r = box_run(NULL, session, NULL);
		for (unsigned i = 0; i < BOX_NUMBERS; i++)
			n[i] += r->number[i];
		good = box_survived(r) && n[WRONG] == 0;
	} while (good && !seen_all(n) && ++tries < TRIES);
	attack_note("%lu stops at %lu entries: %lu aborted, %lu refused, %lu "
		    "noted",
		n[SENT], n[ENTRIES], n[ABORTED], n[REFUSED], n[NOTED]);
	if (!attack_held(good && seen_all(n), "%lu stops, %lu wrong", n[SENT],
		    n[WRONG]))
		box_say("defended", r);
}

static void control(void)
{
	static const struct box_off no_mask = {.mask = true};
	const struct box_report *r;
	bool worked;
	unsigned tries = 0;

	do {
		r = box_run(&no_mask, session, NULL);
		worked = r->setup == 0 &&
			 (!box_survived(r) || r->number[WRONG] > 0);
	} while (!worked && ++tries < TRIES);
	if (!attack_worked(worked, "stops while one is handled"))
		box_say("control", r);
}

static void run(void)
{
	defended();
	control();
}

const struct attack attack_b40 = {
	.id = "B40",
	.name = "ten thousand stops at every moment of the gate",
	.layer = "signal handler, gate check",
	.off = "the handlers' signal mask",
	.run = run,
};
