/* core/maps: the arithmetic, and a runtime that meets the limit. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "core/maps.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "fake_host.h"
#include "fake_hostile.h"

enum {
	LIVE = 5
};

#define KEEP (-1)

TestSuite(maps, .timeout = 60);

#define SCRIPT(title, ...)                                                     \
	static void script_##title(struct worker *w);                          \
	Test(maps, title)                                                      \
	{                                                                      \
		const struct host_options opt = {                              \
			.script = script_##title, __VA_ARGS__};                \
                                                                               \
		host_run(&opt);                                                \
	}                                                                      \
	static void script_##title(struct worker *w)

Test(maps, reserve)
{
	cr_assert_eq(maps_for_isolates(65530), 64530);
	cr_assert_eq(maps_for_isolates(2001), 1001);
	/* A small limit is halved: something has to be left on both sides. */
	cr_assert_eq(maps_for_isolates(2000), 1000);
	cr_assert_eq(maps_for_isolates(500), 250);
	cr_assert_eq(maps_for_isolates(0), 0);
	cr_assert_geq(maps_for_isolates(65530), 10000ul * MAPS_ISOLATE);
}

Test(maps, counts)
{
	struct maps m = {.max = 5};

	cr_assert(maps_take(&m, 2));
	cr_assert(maps_take(&m, 3));
	cr_assert(!maps_take(&m, 1));
	cr_assert(!maps_take(&m, SIZE_MAX));
	cr_assert(maps_take(&m, 0));
	maps_give(&m, 1);
	cr_assert(!maps_take(&m, 2));
	cr_assert(maps_take(&m, 1));
	cr_assert_eq(m.used, 5);
}

static struct host_reply call(struct worker *w, struct function *fn)
{
	static const struct hostile_request echo = {.what = HOSTILE_ECHO};

	return host_call(w, fn, &echo, sizeof(echo), 0);
}

static struct function *nth(unsigned i)
{
	return host_function((char[]){(char)('a' + i), 0}, "xx", KEEP);
}

/* Past the limit calls are refused, those before it go on, and when the limit
 * is higher so do the others: no slot was lost. */
SCRIPT(refuse_who_comes_last)
{
	struct maps *m = &w->rt->core->maps;
	struct function *fn[2 * LIVE];
	unsigned lived = 0;
	struct host_reply r;

	for (unsigned i = 0; i < 2 * LIVE; i++)
		fn[i] = nth(i);
	/* What is mapped and empty at the start is the keeper's to give. */
	while (w->core->pool.n_out > 0)
		host_turn(w);
	m->max = m->used;
	for (; lived < 2 * LIVE; lived++)
		if ((r = call(w, fn[lived])).outcome != OUTCOME_OK)
			break;
	EXPECT(lived > 0 && lived < 2 * LIVE);
	EXPECT(r.outcome == OUTCOME_NO_ISOLATE);
	EXPECT(strstr(r.bytes, "sysctl -w vm.max_map_count=") != NULL);
	EXPECT(metrics_sum(&w->metrics, 1, METRIC_LIMITED, BUDGET_MAPS) == 1);
	for (unsigned i = 0; i < 200; i++)
		EXPECT(call(w, fn[lived]).outcome == OUTCOME_NO_ISOLATE);
	for (unsigned i = 0; i < lived; i++) {
		r = call(w, fn[i]);
		EXPECT(r.outcome == OUTCOME_OK && !r.cold);
	}
	m->max = SIZE_MAX;
	for (unsigned i = 0; i < 2 * LIVE; i++)
		EXPECT(call(w, fn[i]).outcome == OUTCOME_OK);
}
