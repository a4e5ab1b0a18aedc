/* Which metrics there are: data alone. */
#include "util/metrics.h"

const uint64_t metrics_bounds_wide[METRICS_BUCKETS] = {
	50000,
	100000,
	250000,
	500000,
	1000000,
	2500000,
	5000000,
	10000000,
	25000000,
	50000000,
	100000000,
	250000000,
	500000000,
	1000000000,
	2500000000,
	5000000000,
	10000000000,
	30000000000,
};

const uint64_t metrics_bounds_fine[METRICS_BUCKETS] = {
	50,
	100,
	150,
	200,
	300,
	500,
	750,
	1000,
	1500,
	2500,
	5000,
	10000,
	25000,
	50000,
	100000,
	250000,
	500000,
	1000000,
};

#define COUNTER(n, h)                                                          \
	{                                                                      \
		.name = n, .help = h, .type = METRIC_COUNTER                   \
	}
#define GAUGE(n, h)                                                            \
	{                                                                      \
		.name = n, .help = h, .type = METRIC_GAUGE                     \
	}
#define HIST(n, h, b)                                                          \
	{                                                                      \
		.name = n, .help = h, .type = METRIC_HISTOGRAM, .bounds = b    \
	}
#define SERIES(t, n, h, l, ...)                                                \
	{                                                                      \
		.name = n, .help = h, .type = t, .label = l, .series = {       \
			__VA_ARGS__                                            \
		}                                                              \
	}

const struct metrics_desc metrics_table[METRIC_COUNT] = {
	[METRIC_INVOCATION_SECONDS] = HIST("gvisord_invocation_seconds",
		"From request to reply", metrics_bounds_wide),
	[METRIC_QUEUE_SECONDS] = HIST("gvisord_queue_seconds",
		"Waiting for a turn", metrics_bounds_wide),
	[METRIC_START_SECONDS] = {.name = "gvisord_start_seconds",
		.help = "Getting an isolate ready",
		.type = METRIC_HISTOGRAM,
		.bounds = metrics_bounds_wide,
		.label = "kind",
		.series = {"cold", "warm", "restored"}},
	[METRIC_GATE_SWITCH_SECONDS] = HIST("gvisord_gate_switch_seconds",
		"Gate round trip, sampled", metrics_bounds_fine),
	[METRIC_PKEY_WAIT_SECONDS] = HIST("gvisord_pkey_wait_seconds",
		"Waiting for a protection key", metrics_bounds_wide),
	[METRIC_IN_FLIGHT] = GAUGE("gvisord_invocations_in_flight",
		"Invocations begun and not answered"),
	[METRIC_QUEUE_DEPTH] =
		GAUGE("gvisord_queue_depth", "Invocations waiting for a turn"),
	[METRIC_ISOLATES] = SERIES(METRIC_GAUGE, "gvisord_isolates",
		"Isolates alive", "state", "starting", "idle", "busy"),
	[METRIC_ISOLATE_CREATED] =
		COUNTER("gvisord_isolate_created_total", "Isolates made"),
	[METRIC_ISOLATE_DESTROYED] =
		SERIES(METRIC_COUNTER, "gvisord_isolate_destroyed_total",
			"Isolates ended", "reason", "ttl", "fault", "oom",
			"timeout", "retired", "pressure", "other"),
	[METRIC_OOM] = COUNTER("gvisord_oom_total",
		"Invocations that spent their memory budget"),
	[METRIC_LIMITED] = SERIES(METRIC_COUNTER, "gvisord_limited_total",
		"Invocations refused by a limit", "limit",
		"function_concurrency", "function_rate", "tenant_concurrency",
		"tenant_rate", "tenant_memory", "tenant_cpu", "total_memory",
		"queue", "queue_wait", "max_map_count"),
	[METRIC_TIMEOUTS] = SERIES(METRIC_COUNTER, "gvisord_timeouts_total",
		"Invocations that ran out of time", "kind", "wall", "cpu"),
	[METRIC_MEMORY_VIOLATIONS] = COUNTER("gvisord_memory_violations_total",
		"Accesses stopped by a protection key"),
	[METRIC_SYSCALLS_DENIED] = COUNTER("gvisord_syscalls_denied_total",
		"System calls refused to isolates"),
	[METRIC_CODE_REJECTED] = SERIES(METRIC_COUNTER,
		"gvisord_code_rejected_total", "Code refused at registration",
		"reason", "instruction", "format", "load", "other"),
	[METRIC_PKEYS] = SERIES(METRIC_GAUGE, "gvisord_pkeys",
		"Protection keys for isolates", "state", "free", "held"),
	[METRIC_PKEY_ASSIGN] = SERIES(METRIC_COUNTER,
		"gvisord_pkey_assign_total", "Ways a domain got its key",
		"result", "hit", "free", "steal", "wait", "fallback"),
	[METRIC_PKEY_RETAG_PAGES] = COUNTER("gvisord_pkey_retag_pages_total",
		"Pages whose key was changed"),
	[METRIC_LOG_DROPPED_LINES] = COUNTER("gvisord_log_dropped_lines_total",
		"Log lines that found no room"),
	[METRIC_LOG_DROPPED_BYTES] = COUNTER("gvisord_log_dropped_bytes_total",
		"Log bytes that found no room"),
	[METRIC_CONNECTIONS] = GAUGE("gvisord_connections", "Connections open"),
	[METRIC_CONNECTIONS_TOTAL] =
		COUNTER("gvisord_connections_total", "Connections accepted"),
	[METRIC_HTTP_BYTES] = SERIES(METRIC_COUNTER, "gvisord_http_bytes_total",
		"Bytes over connections", "direction", "in", "out"),
	[METRIC_HTTP_REQUESTS] = SERIES(METRIC_COUNTER, "http_requests_total",
		"HTTP requests by class of status", "code", "1xx", "2xx", "3xx",
		"4xx", "5xx"),
	[METRIC_HTTP_REQUEST_SECONDS] = HIST("http_request_duration_seconds",
		"HTTP requests, first byte to last", metrics_bounds_wide),
	[METRIC_HTTP_IN_FLIGHT] = GAUGE(
		"http_requests_in_flight", "HTTP requests being answered"),
};
