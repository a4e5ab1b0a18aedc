/* Quotas, rates, tenants: exact at their edges and between threads. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/budget.h"
#include "util/clock.h"

static struct quota quota;
static struct rate rate;

Test(budget, quota_counts_to_its_limit)
{
	quota_init(&quota, BUDGET_TENANT_MEMORY, 10);
	cr_assert(quota_take(&quota, 4));
	cr_assert(quota_fits(&quota, 6) && !quota_fits(&quota, 7));
	cr_assert(!quota_take(&quota, 7));
	cr_assert(quota_take(&quota, 6));
	cr_assert(!quota_take(&quota, 1));
	cr_assert(!quota_give(&quota, 1), "nobody waits");
	cr_assert(quota_take(&quota, 1));
	cr_assert(!quota_take(&quota, UINT64_MAX), "no wrap");
	cr_assert(!quota_fits(&quota, UINT64_MAX));
}

Test(budget, no_limit_is_not_counted)
{
	quota_init(&quota, BUDGET_TENANT_MEMORY, 0);
	for (int i = 0; i < 5; i++)
		cr_assert(quota_take(&quota, UINT64_MAX));
	cr_assert_eq(quota.used, 0u);
	cr_assert(!quota_give(&quota, 1) && quota_fits(&quota, 1));
	rate_init(&rate, BUDGET_FUNCTION_RATE, 0, 0);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(rate_take(&rate, 1), 0u);
	rate_undo(&rate);
	cr_assert_eq(rate.due, 0u);
}

Test(budget, who_waits_is_told)
{
	quota_init(&quota, BUDGET_TENANT_MEMORY, 2);
	cr_assert(quota_take(&quota, 2));
	cr_assert(quota_wait(&quota, 2, 2));
	cr_assert(quota_wait(&quota, 2, 2));
	cr_assert(!quota_wait(&quota, 2, 2), "the queue is full");
	cr_assert(quota_short(&quota));
	cr_assert(quota_give(&quota, 1));
	cr_assert(quota_short(&quota), "one free, two wanted");
	cr_assert(quota_give(&quota, 1));
	cr_assert(!quota_short(&quota));
	quota_unwait(&quota);
	quota_unwait(&quota);
	cr_assert(quota_take(&quota, 1));
	cr_assert(!quota_give(&quota, 1));
}

/* However often asked within the first second: N pass, no one more. */
Test(budget, rate_passes_its_burst_then_one_per_step)
{
	const uint64_t now = 5 * CLOCK_S;
	unsigned passed = 0;

	rate_init(&rate, BUDGET_TENANT_RATE, 7, 1);
	for (int i = 0; i < 100; i++)
		passed += rate_take(&rate, now) == 0;
	cr_assert_eq(passed, 7u);
	cr_assert_eq(rate_take(&rate, now), rate.step_ns);
	cr_assert_eq(rate_take(&rate, now + rate.step_ns - 1), 1u);
	cr_assert_eq(rate_take(&rate, now + rate.step_ns), 0u);
	cr_assert_neq(rate_take(&rate, now + rate.step_ns), 0u);
	/* A pause does not add up to more than a second. */
	passed = 0;
	for (int i = 0; i < 100; i++)
		passed += rate_take(&rate, now + 100 * CLOCK_S) == 0;
	cr_assert_eq(passed, 7u);
	rate_undo(&rate);
	cr_assert_eq(rate_take(&rate, now + 100 * CLOCK_S), 0u);
	cr_assert_neq(rate_take(&rate, now + 100 * CLOCK_S), 0u);
}

Test(budget, rate_below_one_a_second)
{
	const uint64_t now = 5 * CLOCK_S;

	rate_init(&rate, BUDGET_TENANT_RATE, 6, 60);
	cr_assert_eq(rate_take(&rate, now), 0u);
	cr_assert_eq(rate_take(&rate, now), 10 * CLOCK_S);
	cr_assert_eq(rate_take(&rate, now + 4 * CLOCK_S), 6 * CLOCK_S);
	cr_assert_eq(rate_take(&rate, now + 10 * CLOCK_S), 0u);
}

/* Two threads: never more than the limit at once, and none is lost. */
enum {
	THREADS = 4,
	ROUNDS = 20000,
	MOST = 2
};
static _Atomic unsigned inside, worst, took, passed;

static void *churn(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		passed += rate_take(&rate, CLOCK_S) == 0;
		if (!quota_take(&quota, 1))
			continue;
		unsigned now = atomic_fetch_add(&inside, 1) + 1;

		took++;
		if (now > worst)
			worst = now;
		atomic_fetch_sub(&inside, 1);
		(void)quota_give(&quota, 1);
	}
	return NULL;
}

Test(budget, exact_between_threads, .timeout = 60)
{
	pthread_t t[THREADS];

	quota_init(&quota, BUDGET_FUNCTION_CONCURRENCY, MOST);
	rate_init(&rate, BUDGET_FUNCTION_RATE, 1000, 1);
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&t[i], NULL, churn, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	cr_assert_leq(worst, (unsigned)MOST);
	cr_assert_gt(took, 0u);
	cr_assert_eq(quota.used, 0u);
	cr_assert_eq(passed, 1000u);
}

Test(budget, tenants_by_name)
{
	static struct tenant_options opt[TENANTS_MAX];
	struct tenants ts;

	for (unsigned i = 0; i < TENANTS_MAX; i++) {
		snprintf(opt[i].name, sizeof(opt[i].name), "t%u",
			(i * 7) % TENANTS_MAX);
		opt[i].concurrency = i + 1;
	}
	cr_assert_eq(tenants_init(&ts, opt, TENANTS_MAX, 2), 0);
	for (unsigned i = 0; i < TENANTS_MAX; i++) {
		struct tenant *t = tenants_find(&ts, opt[i].name);

		cr_assert_not_null(t);
		cr_assert_str_eq(t->name, opt[i].name);
		cr_assert_eq(t->concurrency.max, i + 1);
		cr_assert_eq(t->memory.max, 0u);
		cr_assert_eq(t->rate.calls, 0u);
	}
	cr_assert_null(tenants_find(&ts, "t"));
	cr_assert_null(tenants_find(&ts, "u"));
	tenants_fini(&ts);
	cr_assert_eq(tenants_init(&ts, NULL, 0, 2), 0);
	cr_assert_null(tenants_find(&ts, "t1"));
}
