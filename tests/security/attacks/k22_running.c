/*
 * Memory is parked while its isolate runs: what a bug in the multiplexer would
 * do, and the kernel's part of the promise that taking a key away takes effect
 * at once. Where the retag is not done, the isolate just goes on.
 */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/many.h"

enum {
	KEY_PARKED = 2,
	DELAY_US = 20000,
	STOP_US = 100000,
};

/* U. */
static void reread_in(struct box_attack *a)
{
	for (;;)
		(void)*(volatile uint64_t *)&a->value;
}

static void errand_take_away(struct box *b, void *arg)
{
	(void)arg;
	(void)usleep(DELAY_US);
	b->report->number[MANY_OTHER] = (uint64_t)b->prim.tag(b->attacker.mem,
		BOX_ISOLATE_BYTES, PROT_READ | PROT_WRITE, b->keys.parked);
	/* Whoever still runs then was not stopped by that. */
	(void)usleep(STOP_US);
	(void)tgkill(getpid(), b->tid, SIGURG);
}

static void errand_give_back(struct box *b, void *arg)
{
	(void)arg;
	(void)b->prim.tag(b->attacker.mem, BOX_ISOLATE_BYTES,
		PROT_READ | PROT_WRITE, domain_key(&b->attacker.domain));
}

static void session_running(struct box *b, const void *arg)
{
	struct box_end *end = &b->report->end[b->report->n_ends++];

	if (arg)
		b->prim.tag = many_tag_lying;
	box_prepare(b, &b->attacker, reread_in, NULL);
	b->errand = errand_take_away;
	box_enter(b, &b->attacker, end);
	while (b->errand)
		__builtin_ia32_pause();
	b->prim.tag = prim_mpk.tag;
	box_keeper(b, errand_give_back, NULL);
	box_check(b, end);
}

static void run(void)
{
	const struct box_report *r = box_run(NULL, session_running, NULL);
	const struct box_end *e = &r->end[0];

	if (!attack_held(r->number[MANY_OTHER] == 0 && box_survived(r) &&
				 e->how == GATE_ABORTED &&
				 e->fault.signal == SIGSEGV &&
				 e->fault.code == SEGV_PKUERR &&
				 e->fault.key == KEY_PARKED,
		    "parked while it runs"))
		box_say("running", r);
	r = box_run(NULL, session_running, "without the retag");
	if (!attack_worked(e->how == GATE_ABORTED &&
				   e->fault.signal == SIGURG && e->alive,
		    "not parked, it runs until it is stopped"))
		box_say("running", r);
}

const struct attack attack_k22 = {
	.id = "K22",
	.name = "run on in memory that was parked meanwhile",
	.layer = "protection keys",
	.off = "the retag",
	.run = run,
};
