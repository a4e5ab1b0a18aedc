/*
 * GS at pages that are no worker's, between pages, before and behind them. To
 * make it hard, the runtime itself puts there what would make each believable:
 * a thread in the right state, with a stack to continue on.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static struct box *the_box;

static const struct place {
	const char *name;
	uint64_t at;
	bool fill; /* there is something to believe */
} places[] = {
	{"the first thread's page", 0, true},
	{"a page of no thread", 5 * GATE_PAGE_SIZE, true},
	{"the middle of its page", GATE_PAGE_SIZE + 64, true},
	{"the end of its page", 2 * GATE_PAGE_SIZE - 8, false},
	{"behind the pages", GATE_MAX_THREADS *GATE_PAGE_SIZE, false},
	{"before the pages", -(uint64_t)GATE_PAGE_SIZE, false},
};

static void hijacked(void)
{
	the_box->report->number[0] = 1;
	the_box->done = true;
	for (;;)
		__builtin_ia32_pause();
}

/* T. */
static void fill(struct box *b, uint64_t at)
{
	static uint64_t stack[64];
	struct gate_page *page = (void *)at;
	struct gate_thread *thread = &b->gate.threads[6];

	if (at % GATE_PAGE_SIZE == 0)
		thread = page->thread;
	else
		*page = (struct gate_page){
			.self = page, .thread = thread, .aux = UINT32_MAX};
	the_box = b;
	stack[32 + 6] = (uint64_t)hijacked;
	thread->rsp = (uint64_t)&stack[32];
	if (at % GATE_PAGE_SIZE != 0)
		thread->state = GATE_STATE_ISOLATE;
}

static void session(struct box *b, const void *arg)
{
	const struct place *p = arg;
	struct jump j = {.loot = BOX_HEAP,
		.gs = (uint64_t)b->gate.pages + p->at,
		.to = {.r11 = (uint64_t)gate_exit_mpk}};

	if (p->fill)
		fill(b, j.gs);
	jump_once(b, &j);
}

static void run(void)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const struct place *p = &places[i];
		const struct box_report *r = box_run(NULL, session, p);

		if (!attack_held(box_survived(r) && r->number[0] == 0,
			    "leaving with GS at %s", p->name))
			box_say("defended", r);
		if (!p->fill)
			continue;
		r = box_run(&jump_no_checks, session, p);
		if (!attack_worked(r->number[0] == 1, "leaving with GS at %s",
			    p->name))
			box_say("control", r);
	}
}

const struct attack attack_b13 = {
	.id = "B13",
	.name = "leave with GS at, between, before and behind the pages",
	.layer = "gate check",
	.off = "the gate's checks",
	.run = run,
};
