/* core/maps: the arithmetic, and a runtime that meets the limit. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "core/maps.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "engine/program.h"
#include "fake_host.h"
#include "fake_hostile.h"

enum {
	LIVE = 5
};

#define KEEP (-1)

#define SCRIPT(name, ...) HOST_SCRIPT(maps, name, __VA_ARGS__)

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

Test(maps, advice)
{
	cr_assert_eq(maps_advice(65530, 20000), 262144);
	cr_assert_eq(maps_advice(65530, 130572), 262144);
	cr_assert_eq(maps_advice(65530, 130573), 524288);
	/* What there is was not enough. */
	cr_assert_eq(maps_advice(262144, 1), 524288);
	cr_assert_eq(maps_advice(0, 1), 262144);
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

/* Past the limit isolates that are idle end for who comes. */
SCRIPT(idle_ones_end_for_who_comes)
{
	struct maps *m = &w->rt->core->maps;
	struct function *fn[3 * LIVE];
	unsigned cold = 0;

	for (unsigned i = 0; i < 3 * LIVE; i++)
		fn[i] = nth(i);
	for (unsigned i = 0; i < LIVE; i++)
		EXPECT(call(w, fn[i]).outcome == OUTCOME_OK);
	/* What is mapped and empty is the keeper's to give. */
	while (w->core->pool.n_out > 0)
		host_turn(w);
	m->max = m->used;
	for (unsigned i = LIVE; i < 3 * LIVE; i++)
		EXPECT(call(w, fn[i]).outcome == OUTCOME_OK);
	for (unsigned i = 0; i < 3 * LIVE; i++) {
		struct host_reply r = call(w, fn[i]);

		EXPECT(r.outcome == OUTCOME_OK);
		cold += r.cold;
	}
	EXPECT(cold > 0);
	EXPECT(m->used <= m->max);
	EXPECT(metrics_sum(&w->metrics, 1, METRIC_LIMITED, BUDGET_MAPS) == 0);
	m->max = SIZE_MAX;
}

/* Where that does not help calls are refused, and not all ended for them; when
 * the limit is higher all are served: no slot was lost. */
SCRIPT(refuse_who_comes_last)
{
	enum {
		IDLE = 12,
		ENDED = 8
	};
	struct maps *m = &w->rt->core->maps;
	struct function *fn[IDLE], *last = nth(IDLE);
	struct host_reply r;

	for (unsigned i = 0; i < IDLE; i++) {
		fn[i] = nth(i);
		EXPECT(call(w, fn[i]).outcome == OUTCOME_OK);
	}
	while (w->core->pool.n_out > 0)
		host_turn(w);
	m->max = 0;
	/* Some are mapped, and empty. */
	for (unsigned i = 1; (r = call(w, last)).outcome == OUTCOME_OK; i++)
		last = nth(IDLE + i);
	EXPECT(r.outcome == OUTCOME_NO_ISOLATE);
	EXPECT(strstr(r.bytes, "(vm.max_map_count)") != NULL);
	EXPECT(metrics_sum(&w->metrics, 1, METRIC_LIMITED, BUDGET_MAPS) == 1);
	for (unsigned i = ENDED; i < IDLE; i++) {
		r = call(w, fn[i]);
		EXPECT(r.outcome == OUTCOME_OK && !r.cold);
	}
	m->max = SIZE_MAX;
	for (unsigned i = 0; i < IDLE; i++)
		EXPECT(call(w, fn[i]).outcome == OUTCOME_OK);
	EXPECT(call(w, last).outcome == OUTCOME_OK);
}

/* What was to be mapped for a call that was refused is not mapped for the next
 * one, which may be anybody's. */
SCRIPT(a_refused_program_is_forgotten)
{
	static const struct program program = {.span = ISOLATE_PAGE};
	struct maps *m = &w->rt->core->maps;
	struct pool *p = &w->core->pool;
	struct function *fn = nth(0);
	const size_t max = m->max;

	while (p->n_out > 0)
		host_turn(w);
	m->max = 0;
	fn->program = (struct program *)&program;
	for (unsigned i = 0; i < 3 * POOL_READY_MAX; i++)
		EXPECT(call(w, fn).outcome == OUTCOME_NO_ISOLATE);
	fn->program = NULL;
	for (size_t i = 0; i < p->count; i++)
		EXPECT(p->all[i].program == NULL);
	m->max = max;
	for (unsigned i = 1; i <= LIVE; i++)
		EXPECT(call(w, nth(i)).outcome == OUTCOME_OK);
}
