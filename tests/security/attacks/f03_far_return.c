/*
 * A far return to 32-bit code, which no privilege is needed for. What comes is
 * a fault whose frame says 32-bit mode; were the runtime resumed in the mode of
 * the frame, its address would be cut to 32 bits, and it would die there, or
 * run what an isolate had put there, with all its rights.
 *
 * Control: a handler that resumes in the mode of the frame.
 */
#include <signal.h>

#include "tests/security/attack.h"
#include "tests/security/mode.h"
#include "tests/security/walls.h"

static const struct {
	const char *name;
	uint64_t eip;
	uint64_t rsp; /* 0: its own */
} ways[] = {
	{"to the first page", 0, 0},
	{"to page one", 0x1000, 0},
	{"to the end of 4 GiB", 0xfffffffc, 0},
	{"to the middle of 4 GiB", 0x7fffffff, 0},
	{"with no stack to return from", 0x1000, 0x2000},
};

/* U. */
static void far_return(struct box_attack *a)
{
	walls_far(a->n[0], a->n[1] ? a->n[1] : (uint64_t)(a->area + 1024));
}

static void run(void)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct box_attack a = {.n = {ways[i].eip, ways[i].rsp}};
		const struct box_report *r = box_run_one(NULL, far_return, &a);

		if (!attack_held(box_survived(r) &&
					 r->end[0].how == GATE_ABORTED &&
					 r->end[0].fault.signal == SIGSEGV,
			    "%s", ways[i].name))
			box_say("defended", r);
		if (ways[i].rsp)
			continue;
		mode_kept = true;
		r = box_run_one(NULL, far_return, &a);
		mode_kept = false;
		if (!attack_worked(
			    r->n_ends == 1 && r->fatal, "%s", ways[i].name))
			box_say("control", r);
	}
}

const struct attack attack_f03 = {
	.id = "F03",
	.name = "a far return to 32-bit code, and a fault there",
	.layer = "fault handler",
	.off = "its choice of the mode",
	.run = run,
};
