/*
 * Restartable sequences: the kernel writes to the thread's area, in key 0, at
 * each return to user code; with U's rights that kills the process. They are
 * gone from every worker. Control: left on.
 */
#include <signal.h>
#include <sys/rseq.h>
#include <sys/wait.h>

#include "tests/security/attack.h"
#include "tests/security/box.h"
#include "tests/security/box_asm.h"

enum {
	STOP_MS = 50
};

static int rseq_cpu(void)
{
	const volatile struct rseq *area =
		(void *)((char *)__builtin_thread_pointer() + __rseq_offset);

	return (int)area->cpu_id;
}

/* U. */
static void spin_in(struct box_attack *a)
{
	box_spin_at(a->stack + 4096);
}

static void session_rseq(struct box *b, const void *arg)
{
	struct box_end *end = &b->report->end[b->report->n_ends++];

	(void)arg;
	b->report->number[0] = rseq_cpu() >= 0;
	box_prepare(b, &b->attacker, spin_in, NULL);
	box_stop_in(b, STOP_MS);
	box_enter(b, &b->attacker, end);
	box_check(b, end);
}

static void run(void)
{
	static const struct box_off rseq_on = {.rseq = true};
	const struct box_report *r = box_run(NULL, session_rseq, NULL);

	if (!attack_held(r->number[0] == 0 && box_survived(r) &&
				 r->end[0].fault.signal == SIGURG,
		    "no rseq on the worker; an isolate that is preempted"))
		box_say("rseq", r);
	r = box_run(&rseq_on, session_rseq, NULL);
	/* By the kernel, or by the handler that finds a fault in T. */
	if (!attack_worked(r->number[0] == 1 && !r->hung &&
				   (WIFSIGNALED(r->status) || r->fatal),
		    "with rseq on, preempting an isolate ends the process"))
		box_say("rseq", r);
}

const struct attack attack_k24 = {
	.id = "K24",
	.name = "restartable sequences: the kernel's write in U",
	.layer = "rseq unregistered",
	.off = "the unregistering",
	.run = run,
};
