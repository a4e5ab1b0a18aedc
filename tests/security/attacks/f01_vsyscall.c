/*
 * The vsyscall page: system calls that syscall user dispatch does not see. The
 * filter does. Without the filter, and with dispatch on, they are made.
 */
#include <signal.h>

#include "tests/security/attack.h"
#include "tests/security/box.h"

enum {
	CODE_SECCOMP = 1
};

static const struct {
	const char *name;
	uint64_t at;
	int nr;
} pages[] = {
	{"gettimeofday", 0xffffffffff600000, 96},
	{"time", 0xffffffffff600400, 201},
	{"getcpu", 0xffffffffff600800, 309},
};

/* U. */
static void call_page(struct box_attack *a)
{
	uint64_t (*fn)(uint64_t, uint64_t, uint64_t) =
		(uint64_t(*)(uint64_t, uint64_t, uint64_t))a->n[0];

	box_got(fn(0, 0, 0));
}

static void run(void)
{
	static const struct box_off no_filter = {.filter = true};

	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		const struct box_attack a = {.n = {pages[i].at}};
		const struct box_report *r = box_run_one(NULL, call_page, &a);
		const struct gate_fault *f = &r->end[0].fault;

		if (!attack_held(box_survived(r) &&
					 r->end[0].how == GATE_ABORTED &&
					 f->signal == SIGSYS &&
					 f->code == CODE_SECCOMP &&
					 f->syscall == pages[i].nr,
			    "vsyscall %s", pages[i].name))
			box_say("defended", r);
		r = box_run_one(&no_filter, call_page, &a);
		if (!attack_worked(r->end[0].how == GATE_LEFT &&
					   r->end[0].nr == BOX_GOT,
			    "vsyscall %s without the filter", pages[i].name))
			box_say("control", r);
	}
}

const struct attack attack_f01 = {
	.id = "F01",
	.name = "system calls through the vsyscall page",
	.layer = "seccomp",
	.off = "the filter",
	.run = run,
	.boot = "vsyscall=xonly",
};
