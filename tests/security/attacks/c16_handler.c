/*
 * The C half of the signal handler, called by an isolate as a function: with
 * the worker's own context, and with one made up, whose .fatal it would call
 * with a handler's rights, if it had any. It runs with the caller's rights.
 */
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "pkey/fault.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. What the forged context has called. */
static void loot_heap(struct gate_thread *thread)
{
	const struct box_attack *a = thread->owner;

	box_got(*(volatile uint64_t *)a->place[BOX_HEAP]);
}

/* U. */
static void call_handler(struct box_attack *a)
{
	struct gate_thread *thread = (void *)a->area;
	siginfo_t *si = (void *)(a->area + 1024);
	ucontext_t *uc = (void *)(a->area + 2048);

	si->si_signo = SIGSEGV;
	thread->state = GATE_STATE_TRUSTED;
	thread->info = si;
	thread->uc = uc;
	thread->fatal = loot_heap;
	thread->owner = a;
	fault_handle(thread);
	box_done();
}

/* U. It takes the worker for one in trusted code from then on. */
static void call_with_worker(struct box_attack *a)
{
	uint64_t cookie = a->place[BOX_THREAD];

	fault_handle((void *)(cookie - offsetof(struct gate_thread, cookie)));
	__builtin_trap();
}

/* U. */
static void crash(struct box_attack *a)
{
	(void)a;
	__builtin_trap();
}

/* A real fault comes first: the context names its frame. */
static void session(struct box *b, const void *arg)
{
	static const struct box_attack a;
	struct box_end end;

	(void)arg;
	box_prepare(b, &b->attacker, crash, &a);
	box_enter(b, &b->attacker, &end);
	(void)box_attack(b, call_with_worker, &a);
}

static bool denied(const struct box_report *r)
{
	const struct gate_fault *f = &r->end[0].fault;

	return box_survived(r) && r->end[0].how == GATE_ABORTED &&
	       f->signal == SIGSEGV && f->code == SEGV_PKUERR && f->key == 0;
}

static void run(void)
{
	static const struct box_off no_keys = {.keys = true};
	static const struct box_attack a;
	const struct box_report *r = box_run_one(NULL, call_handler, &a);

	if (!attack_held(denied(r), "with a made-up context"))
		box_say("defended", r);
	r = box_run_one(&no_keys, call_handler, &a);
	if (!attack_worked(r->end[0].leaked, "with a made-up context"))
		box_say("control", r);
	r = box_run(NULL, session, NULL);
	if (!attack_held(denied(r), "with the worker's context"))
		box_say("defended", r);
	r = box_run(&no_keys, session, NULL);
	if (!attack_worked(
		    r->n_ends == 1 && (r->status != 0 || !r->end[0].alive),
		    "with the worker's context"))
		box_say("control", r);
}

const struct attack attack_c16 = {
	.id = "C16",
	.name = "the signal handler's C function called directly",
	.layer = "protection keys",
	.off = "the keys",
	.run = run,
};
