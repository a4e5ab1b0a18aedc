/*
 * GS at the page of a worker that is in an isolate right now, on another CPU:
 * all of it is genuine. Believed, it would continue that worker's trusted code
 * here, on this thread.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static struct box *the_box;

static void hijacked(void)
{
	the_box->report->number[0] = 1;
	the_box->done = true;
	for (;;)
		__builtin_ia32_pause();
}

/* T. The first thread plays that worker. */
static void session(struct box *b, const void *arg)
{
	static uint64_t stack[64];
	struct gate_thread *other = &b->gate.threads[0];
	struct jump j = {.loot = BOX_HEAP,
		.gs = (uint64_t)b->gate.pages,
		.to = {.r11 = (uint64_t)gate_exit_mpk}};

	(void)arg;
	the_box = b;
	stack[32 + 6] = (uint64_t)hijacked;
	other->rsp = (uint64_t)&stack[32];
	other->state = GATE_STATE_ISOLATE;
	other->page->aux = b->thread->page->aux + 1;
	jump_once(b, &j);
}

static void run(void)
{
	const struct box_report *r = box_run(NULL, session, NULL);

	if (!attack_held(box_survived(r) && r->number[0] == 0,
		    "leaving with GS at another worker's page"))
		box_say("defended", r);
	r = box_run(&jump_no_checks, session, NULL);
	if (!attack_worked(r->number[0] == 1,
		    "leaving with GS at another worker's page"))
		box_say("control", r);
}

const struct attack attack_b12 = {
	.id = "B12",
	.name = "leave with GS at the page of a worker on another CPU",
	.layer = "gate check",
	.off = "the gate's checks",
	.run = run,
};
