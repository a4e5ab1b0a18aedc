/* net/outcomes: what a client is told of a limit. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/runtime.h"
#include "net/outcomes.h"
#include "util/clock.h"

#define MIB ((uint64_t)1 << 20)

static struct runtime rt;
static struct tenant tenant = {.name = "acme"};
static struct function fn;
static struct outcome_room room;

static void set_up(void)
{
	rt.opt.total_memory = 64 * MIB;
	rt.opt.max_isolates = 8;
	tenant.memory.max = 8 * MIB;
	tenant.rate = (struct rate){.calls = 4, .seconds = 60};
	fn.opt.owner = &tenant;
	fn.opt.memory_bytes = 4 * MIB;
	fn.opt.timeout_ns = 100 * CLOCK_MS;
}

TestSuite(outcomes, .init = set_up);

static struct problem_info info(struct ending end)
{
	return outcome_info(&rt, &fn, &end, &room);
}

static void says(const struct problem_info *got, const char *limit,
	uint64_t value, const char *set)
{
	cr_assert_str_eq(got->limit, limit);
	cr_assert_eq(got->limit_value, value);
	cr_assert_str_eq(got->limit_set, set);
	cr_assert_not_null(got->hint);
}

Test(outcomes, no_room)
{
	struct problem_info got = info(ending_full(BUDGET_TENANT_MEMORY));

	cr_assert_eq(got.problem, PROBLEM_LIMIT_MEMORY);
	says(&got, "memory_mb", 8, "tenants.acme.memory_mb");
	cr_assert_not(got.retry_never);
	got = info(ending_full(BUDGET_TOTAL_MEMORY));
	says(&got, "total_memory_mb", 64, "limits.total_memory_mb");
	got = info(ending_full(BUDGET_ISOLATES));
	says(&got, "isolates", 8, "limits.isolates");
	got = info(ending_full(BUDGET_MAPS));
	cr_assert_str_eq(got.limit_set, "vm.max_map_count");
	cr_assert(strstr(got.hint, "sysctl -w vm.max_map_count=262144, and"));
	/* Nobody sets it. */
	got = info(ending_full(BUDGET_NONE));
	cr_assert_null(got.limit);
	cr_assert_null(got.hint);
}

Test(outcomes, room_for_not_even_one)
{
	fn.opt.memory_bytes = 8 * MIB;
	cr_assert_not(info(ending_full(BUDGET_TENANT_MEMORY)).retry_never);
	fn.opt.memory_bytes = 9 * MIB;
	cr_assert(info(ending_full(BUDGET_TENANT_MEMORY)).retry_never);
	/* It is the daemon's that is used up: this may end. */
	cr_assert_not(info(ending_full(BUDGET_TOTAL_MEMORY)).retry_never);
	fn.opt.memory_bytes = 65 * MIB;
	cr_assert(info(ending_full(BUDGET_TOTAL_MEMORY)).retry_never);
	fn.opt.owner = NULL;
	cr_assert_not(info(ending_full(BUDGET_QUEUE)).retry_never);
}

Test(outcomes, when_to_come_again)
{
	struct problem_info got = info((struct ending){.outcome = OUTCOME_RATE,
		.met = BUDGET_TENANT_RATE,
		.retry_ns = 2 * CLOCK_S + 1});

	cr_assert_eq(got.retry_s, 3);
	cr_assert_str_eq(got.limit_text, "4/m");
	cr_assert_str_eq(got.limit_set, "tenants.acme.rate");
}

Test(outcomes, ended_by_a_limit)
{
	struct ending late = ending_of(OUTCOME_TIMEOUT);
	struct problem_info got = info(late);

	says(&got, "timeout_ms", 100, "function option timeout_ms");
	late.timeout_ns = 50 * CLOCK_MS;
	got = info(late);
	says(&got, "timeout_ms", 50, "header Gvisor-Timeout");
	late.timeout_ns = 150 * CLOCK_MS;
	got = info(late);
	says(&got, "timeout_ms", 100, "function option timeout_ms");
	got = info(ending_of(OUTCOME_OUT_OF_MEMORY));
	says(&got, "memory_mb", 4, "function option memory_mb");
	got = info(ending_of(OUTCOME_ERROR));
	cr_assert_null(got.limit);
	cr_assert_null(got.hint);
}
