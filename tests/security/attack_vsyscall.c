/*
 * The vsyscall page: system calls that syscall user dispatch does not see. The
 * filter does. Needs a kernel with vsyscall=xonly (or emulate), so that there
 * is such a page; the run says so with --append.
 *
 * Control: without the filter, and with dispatch on, the calls are made.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

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

static bool page_is_there(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[256];
	bool there = false;

	while (f && fgets(line, sizeof(line), f))
		there = there || strstr(line, "[vsyscall]");
	if (f)
		(void)fclose(f);
	return there;
}

int main(void)
{
	static const struct box_off no_filter = {.filter = true};

	box_need_keys();
	if (!page_is_there()) {
		printf("Bail out! no vsyscall page: boot with "
		       "vsyscall=xonly\n");
		return 1;
	}
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		const struct box_attack a = {.n = {pages[i].at}};
		const struct box_report *r = box_run_one(NULL, call_page, &a);
		const struct gate_fault *f = &r->end[0].fault;

		if (!tap_ok(box_survived(r) && r->end[0].how == GATE_ABORTED &&
				    f->signal == SIGSYS &&
				    f->code == CODE_SECCOMP &&
				    f->syscall == pages[i].nr,
			    "vsyscall %s: refused", pages[i].name))
			box_say("defended", r);
		r = box_run_one(&no_filter, call_page, &a);
		if (!tap_ok(r->end[0].how == GATE_LEFT &&
				    r->end[0].nr == BOX_GOT,
			    "vsyscall %s: control", pages[i].name))
			box_say("control", r);
	}
	return tap_plan();
}
