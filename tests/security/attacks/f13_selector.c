/*
 * The byte that says whether dispatch refuses, written: isolates may read it,
 * as the kernel reads it with their rights, but not write it.
 */
#include <signal.h>

#include "sandbox/dispatch.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. Then a call. */
static void allow(struct box_attack *a)
{
	*(volatile uint8_t *)a->place[BOX_SELECTOR] = DISPATCH_ALLOW;
	box_got(walls_call(SYS_getpid, 0, 0, 0, 0));
}

static void run(void)
{
	static const struct box_off no_filter = {.filter = true};
	static const struct box_off no_keys = {.filter = true, .keys = true};
	static const struct box_attack a;
	const struct box_report *r = box_run_one(&no_filter, allow, &a);
	const struct gate_fault *f = &r->end[0].fault;

	if (!attack_held(box_survived(r) && r->end[0].how == GATE_ABORTED &&
				 f->signal == SIGSEGV &&
				 f->code == SEGV_PKUERR && f->key > 0,
		    "the filter off: not written"))
		box_say("defended", r);
	r = box_run_one(&no_keys, allow, &a);
	if (!attack_worked(
		    walls_got(&r->end[0]) && (int64_t)r->end[0].arg[0] > 0,
		    "the filter and the keys off"))
		box_say("control", r);
}

const struct attack attack_f13 = {
	.id = "F13",
	.name = "the dispatch selector written",
	.layer = "protection keys",
	.off = "the keys, the filter",
	.run = run,
};
