/* How the ends of the core look to a client: see outcomes.h. */
#include "net/outcomes.h"

#include <stdio.h>

#include "base/check.h"
#include "core/maps.h"
#include "core/runtime.h"
#include "util/clock.h"

enum problem outcome_problem(enum outcome outcome)
{
	static const enum problem map[OUTCOME_COUNT] = {
		[OUTCOME_OK] = PROBLEM_DAEMON_INTERNAL,
		[OUTCOME_NOT_FOUND] = PROBLEM_FUNCTION_NOT_FOUND,
		[OUTCOME_DRAINING] = PROBLEM_DAEMON_DRAINING,
		[OUTCOME_BAD_REQUEST] = PROBLEM_REQUEST_BAD_JSON,
		[OUTCOME_LOAD_FAILED] = PROBLEM_CODE_LOAD_FAILED,
		[OUTCOME_ENTRY_MISSING] = PROBLEM_CODE_ENTRY_MISSING,
		[OUTCOME_REJECTED] = PROBLEM_CODE_REJECTED,
		[OUTCOME_ERROR] = PROBLEM_FUNCTION_ERROR,
		[OUTCOME_CRASHED] = PROBLEM_FUNCTION_CRASHED,
		[OUTCOME_OUT_OF_MEMORY] = PROBLEM_FUNCTION_OUT_OF_MEMORY,
		[OUTCOME_RESPONSE_TOO_LARGE] =
			PROBLEM_FUNCTION_RESPONSE_TOO_LARGE,
		[OUTCOME_RESPONSE_INVALID] = PROBLEM_FUNCTION_RESPONSE_INVALID,
		[OUTCOME_MEMORY_VIOLATION] = PROBLEM_SANDBOX_MEMORY_VIOLATION,
		[OUTCOME_SYSCALL_DENIED] = PROBLEM_SANDBOX_SYSCALL_DENIED,
		[OUTCOME_TIMEOUT] = PROBLEM_SANDBOX_TIMEOUT,
		[OUTCOME_NO_ISOLATE] = PROBLEM_LIMIT_MEMORY,
		[OUTCOME_QUEUE_FULL] = PROBLEM_LIMIT_QUEUE_FULL,
		[OUTCOME_QUEUE_WAIT] = PROBLEM_LIMIT_QUEUE_WAIT,
		[OUTCOME_CONCURRENCY] = PROBLEM_LIMIT_CONCURRENCY,
		[OUTCOME_RATE] = PROBLEM_LIMIT_RATE,
		[OUTCOME_CPU_TIME] = PROBLEM_SANDBOX_CPU_TIME,
		[OUTCOME_CPU_SHARE] = PROBLEM_LIMIT_CPU,
		[OUTCOME_INTERNAL] = PROBLEM_DAEMON_INTERNAL,
	};

	CHECK((unsigned)outcome < OUTCOME_COUNT);
	return map[outcome];
}

const char *outcome_code(enum outcome outcome)
{
	return outcome == OUTCOME_OK ? "OK"
				     : problem_code(outcome_problem(outcome));
}

/* Hints. ------------------------------------------------------------------- */

/* What to do about a limit that was met before the run ... */
static const char *const hints_met[BUDGET_NONE] = {
	[BUDGET_FUNCTION_CONCURRENCY] =
		"send fewer calls at once, or register the function with a "
		"larger max_concurrency",
	[BUDGET_FUNCTION_RATE] = "wait as Retry-After says, or register the "
				 "function with a larger max_rate",
	[BUDGET_TENANT_CONCURRENCY] =
		"send fewer calls at once, or allow the tenant more in the "
		"configuration",
	[BUDGET_TENANT_RATE] = "wait as Retry-After says, or allow the tenant "
			       "more in the configuration",
	[BUDGET_TENANT_MEMORY] =
		"register its functions with less memory_mb, or allow the "
		"tenant more in the configuration",
	[BUDGET_TENANT_CPU] = "wait as Retry-After says, or allow the tenant "
			      "more in the configuration",
	[BUDGET_TOTAL_MEMORY] =
		"register functions with less memory_mb, or raise "
		"limits.total_memory_mb",
	[BUDGET_QUEUE] = "send fewer calls at once, or raise limits.isolates "
			 "or limits.queue",
	[BUDGET_QUEUE_WAIT] = "send fewer calls at once, or raise "
			      "limits.isolates or limits.queue_wait_ms",
	[BUDGET_ISOLATES] = "ask for fewer, or raise limits.isolates",
};

/* ... and about one that ended it. */
static const char *ending_hint(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_OUT_OF_MEMORY:
		return "register the function with more memory_mb";
	case OUTCOME_TIMEOUT:
		return "register the function with a larger timeout_ms, or "
		       "leave Gvisor-Timeout out";
	case OUTCOME_CPU_TIME:
		return "register the function with a larger cpu_ms";
	default:
		return NULL;
	}
}

/* Limits. ------------------------------------------------------------------ */

static void set_by(struct problem_info *info, const char *name, uint64_t value,
	const char *set)
{
	info->limit = name;
	info->limit_value = value;
	info->limit_set = set;
}

static void set_by_tenant(struct problem_info *info, const char *name,
	uint64_t value, struct outcome_room *room, const struct tenant *t)
{
	(void)snprintf(
		room->set, sizeof(room->set), "tenants.%s.%s", t->name, name);
	set_by(info, name, value, room->set);
}

static void rate_limit(struct problem_info *info, struct outcome_room *room,
	const struct tenant *t)
{
	const struct rate *r = &t->rate;

	set_by_tenant(info, "rate", 0, room, t);
	(void)snprintf(room->text, sizeof(room->text), "%u/%c", r->calls,
		rate_unit(r));
	info->limit_text = room->text;
}

static void ending_limit(const struct runtime *rt,
	const struct function_options *o, const struct ending *end,
	struct problem_info *info)
{
	bool shorter = end->timeout_ns && end->timeout_ns < o->timeout_ns;

	switch (end->outcome) {
	case OUTCOME_OUT_OF_MEMORY:
		set_by(info, "memory_mb", o->memory_bytes >> 20,
			"function option memory_mb");
		return;
	case OUTCOME_TIMEOUT:
		set_by(info, "timeout_ms",
			(shorter ? end->timeout_ns : o->timeout_ns) / CLOCK_MS,
			shorter ? "header Gvisor-Timeout"
				: "function option timeout_ms");
		return;
	case OUTCOME_CPU_TIME:
		set_by(info, "cpu_ms", o->cpu_ns / CLOCK_MS,
			"function option cpu_ms");
		return;
	case OUTCOME_RESPONSE_TOO_LARGE:
		set_by(info, "response_bytes", rt->opt.max_response,
			"limits.response_bytes");
		return;
	default:
		return;
	}
}

/* Not even one isolate: however long somebody waits. */
static bool never_fits(const struct runtime *rt,
	const struct function_options *o, enum budget met)
{
	return (met == BUDGET_TENANT_MEMORY &&
		       o->memory_bytes > o->owner->memory.max) ||
	       (met == BUDGET_TOTAL_MEMORY &&
		       o->memory_bytes > rt->opt.total_memory);
}

static void met_limit(const struct runtime *rt,
	const struct function_options *o, const struct ending *end,
	struct outcome_room *room, struct problem_info *info)
{
	switch (end->met) {
	case BUDGET_FUNCTION_CONCURRENCY:
		set_by(info, "max_concurrency", o->max_concurrency,
			"function option max_concurrency");
		return;
	case BUDGET_FUNCTION_RATE:
		set_by(info, "max_rate", o->max_rate,
			"function option max_rate");
		return;
	case BUDGET_TENANT_CONCURRENCY:
		set_by_tenant(info, "concurrency", o->owner->concurrency.max,
			room, o->owner);
		return;
	case BUDGET_TENANT_RATE:
		rate_limit(info, room, o->owner);
		return;
	case BUDGET_TENANT_MEMORY:
		set_by_tenant(info, "memory_mb", o->owner->memory.max >> 20,
			room, o->owner);
		return;
	case BUDGET_TENANT_CPU:
		set_by_tenant(info, "cpu_percent", o->owner->share.percent,
			room, o->owner);
		return;
	case BUDGET_TOTAL_MEMORY:
		set_by(info, "total_memory_mb", rt->opt.total_memory >> 20,
			"limits.total_memory_mb");
		return;
	case BUDGET_QUEUE:
		set_by(info, "queue", rt->opt.max_queue, "limits.queue");
		return;
	case BUDGET_QUEUE_WAIT:
		set_by(info, "queue_wait_ms", rt->opt.queue_wait_ns / CLOCK_MS,
			"limits.queue_wait_ms");
		return;
	case BUDGET_MAPS:
		set_by(info, "max_map_count", maps_limit(), "vm.max_map_count");
		(void)snprintf(room->hint, sizeof(room->hint),
			"as root: " MAPS_FIX ", and start the daemon anew; or "
			"a smaller idle_ttl_ms",
			maps_advice(maps_limit(), rt->opt.max_isolates));
		info->hint = room->hint;
		return;
	case BUDGET_ISOLATES:
		set_by(info, "isolates", rt->opt.max_isolates,
			"limits.isolates");
		return;
	case BUDGET_NONE:
		ending_limit(rt, o, end, info);
		return;
	}
}

struct problem_info outcome_info(const struct runtime *rt,
	const struct function *fn, const struct ending *end,
	struct outcome_room *room)
{
	struct problem_info info = {
		.problem = outcome_problem(end->outcome),
		.retry_s = (end->retry_ns + CLOCK_S - 1) / CLOCK_S,
		.retry_never = never_fits(rt, &fn->opt, end->met),
		.hint = end->met == BUDGET_NONE ? ending_hint(end->outcome)
						: hints_met[end->met],
	};

	met_limit(rt, &fn->opt, end, room, &info);
	return info;
}
