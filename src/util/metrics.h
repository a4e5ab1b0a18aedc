#pragma once
/*
 * Counters, gauges and histograms. Every thread that counts has its own block
 * of cells and is the only one to write it, so counting is two plain moves; the
 * control thread adds the blocks up when somebody scrapes. Which metrics there
 * are stands as data in metrics_table.c; names are those of the surface.
 *
 * Metrics with one series per function are not here: whoever owns functions
 * writes them with the metrics_text_* calls during exposition.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

enum metric {
	METRIC_INVOCATION_SECONDS,
	METRIC_QUEUE_SECONDS,
	METRIC_START_SECONDS, /* enum metric_start */
	METRIC_GATE_SWITCH_SECONDS,
	METRIC_PKEY_WAIT_SECONDS,
	METRIC_IN_FLIGHT,
	METRIC_QUEUE_DEPTH,
	METRIC_ISOLATES, /* enum metric_isolate */
	METRIC_ISOLATE_CREATED,
	METRIC_ISOLATE_DESTROYED, /* enum metric_destroy */
	METRIC_OOM,
	METRIC_LIMITED,	 /* enum budget (core/budget.h) */
	METRIC_TIMEOUTS, /* enum metric_timeout */
	METRIC_MEMORY_VIOLATIONS,
	METRIC_SYSCALLS_DENIED,
	METRIC_CODE_REJECTED, /* enum metric_reject */
	METRIC_PKEYS,	      /* enum metric_pkey */
	METRIC_PKEY_ASSIGN,   /* enum metric_assign */
	METRIC_PKEY_RETAG_PAGES,
	METRIC_LOG_DROPPED_LINES,
	METRIC_LOG_DROPPED_BYTES,
	METRIC_CONNECTIONS,
	METRIC_CONNECTIONS_TOTAL,
	METRIC_HTTP_BYTES,    /* enum metric_direction */
	METRIC_HTTP_REQUESTS, /* status / 100 - 1 */
	METRIC_HTTP_REQUEST_SECONDS,
	METRIC_HTTP_IN_FLIGHT,
	METRIC_COUNT,
};

/* Series within a metric, in the order of metrics_table.c. */
enum metric_start {
	METRIC_START_COLD,
	METRIC_START_WARM,
	METRIC_START_RESTORED
};
enum metric_isolate {
	METRIC_ISOLATE_STARTING,
	METRIC_ISOLATE_IDLE,
	METRIC_ISOLATE_BUSY
};
enum metric_destroy {
	METRIC_DESTROY_TTL,
	METRIC_DESTROY_FAULT,
	METRIC_DESTROY_OOM,
	METRIC_DESTROY_TIMEOUT,
	METRIC_DESTROY_RETIRED,
	METRIC_DESTROY_PRESSURE,
	METRIC_DESTROY_OTHER
};
enum metric_timeout {
	METRIC_TIMEOUT_WALL,
	METRIC_TIMEOUT_CPU
};
enum metric_reject {
	METRIC_REJECT_INSTRUCTION,
	METRIC_REJECT_FORMAT,
	METRIC_REJECT_LOAD,
	METRIC_REJECT_OTHER
};
enum metric_pkey {
	METRIC_PKEY_FREE,
	METRIC_PKEY_HELD
};
enum metric_assign {
	METRIC_ASSIGN_HIT,
	METRIC_ASSIGN_FREE,
	METRIC_ASSIGN_STEAL,
	METRIC_ASSIGN_WAIT,
	METRIC_ASSIGN_FALLBACK
};
enum metric_direction {
	METRIC_DIRECTION_IN,
	METRIC_DIRECTION_OUT
};

enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HISTOGRAM
};

enum {
	METRICS_BUCKETS = 18,	 /* and one above them */
	METRICS_SERIES_MAX = 11, /* and a NULL behind them */
	/* Cells of one histogram series: buckets, the one above, the sum. */
	METRICS_HIST_CELLS = METRICS_BUCKETS + 2,
	METRICS_CELLS = 320,
};

struct metrics_desc {
	const char *name;
	const char *help;
	enum metric_type type;
	const uint64_t *bounds; /* histogram: METRICS_BUCKETS bounds, in ns */
	const char *label;	/* NULL: one series without labels */
	const char *series[METRICS_SERIES_MAX]; /* values of the label */
};
extern const struct metrics_desc metrics_table[METRIC_COUNT];
extern const uint64_t metrics_bounds_wide[METRICS_BUCKETS]; /* 50 us ... 30 s */
extern const uint64_t metrics_bounds_fine[METRICS_BUCKETS]; /* 50 ns ... 1 ms */

struct metrics_block {
	_Alignas(64) _Atomic uint64_t cell[METRICS_CELLS];
};

/* Zeroed memory is an empty block. Works out where each metric's cells are;
 * once, before threads. */
void metrics_init(void);

/* The block's owner alone. A gauge may go down: n is added modulo 2^64. */
void metrics_add(
	struct metrics_block *b, enum metric m, unsigned series, int64_t n);
void metrics_set(
	struct metrics_block *b, enum metric m, unsigned series, uint64_t v);
void metrics_observe(
	struct metrics_block *b, enum metric m, unsigned series, uint64_t ns);
static inline void metrics_inc(
	struct metrics_block *b, enum metric m, unsigned series)
{
	metrics_add(b, m, series, 1);
}

/* Any thread: the sum over n blocks; for a histogram its count. */
uint64_t metrics_sum(struct metrics_block *const *blocks, size_t n,
	enum metric m, unsigned series);
/* Any thread: bucket cells and sum of one histogram series, added up. */
void metrics_hist(struct metrics_block *const *blocks, size_t n, enum metric m,
	unsigned series, uint64_t ret_cells[METRICS_HIST_CELLS]);

/* Everything in metrics_table, text format 0.0.4. */
void metrics_text(
	struct buf *out, struct metrics_block *const *blocks, size_t n);
/* gvisord_build_info and process_*: reads /proc, control thread. */
void metrics_text_process(struct buf *out);

/* For metrics of the caller's own: once a family, then its samples. */
struct metrics_label {
	const char *name, *value; /* the value is escaped */
};
void metrics_text_family(struct buf *out, const char *name, const char *help,
	enum metric_type type);
void metrics_text_u64(struct buf *out, const char *name,
	const struct metrics_label *labels, size_t n, uint64_t v);
/* Nanoseconds, written as seconds. */
void metrics_text_ns(struct buf *out, const char *name,
	const struct metrics_label *labels, size_t n, uint64_t ns);
/* cells as from metrics_hist(). At most 7 labels. */
void metrics_text_hist(struct buf *out, const char *name,
	const struct metrics_label *labels, size_t n,
	const uint64_t bounds[METRICS_BUCKETS],
	const uint64_t cells[METRICS_HIST_CELLS]);
