/*
 * Samples of the runtime's registers and stack, and breakpoints on its code.
 */
#include <linux/perf_event.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void clock(struct box_attack *a)
{
	struct perf_event_attr *p = (void *)a->area;
	const uint64_t args[6] = {
		(uint64_t)p, 0, (uint64_t)-1, (uint64_t)-1, 0, 0};

	p->type = (uint32_t)a->n[0];
	p->size = PERF_ATTR_SIZE_VER0;
	p->config = a->n[1];
	p->sample_period = 1000000;
	p->sample_type = PERF_SAMPLE_IP;
	p->disabled = 1;
	box_got(walls_call6(SYS_perf_event_open, args));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"a software event", clock, SYS_perf_event_open,
			.harm = WALLS_MADE,
			.n = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK}},
		{"a dummy event", clock, SYS_perf_event_open,
			.harm = WALLS_MADE,
			.n = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d19 = {
	.id = "D19",
	.name = "perf_event_open: registers and stacks sampled",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
