/* Counting and the text format. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/gbuf.h"
#include "util/metrics.h"

static struct metrics_block blocks[2];
static struct metrics_block *const all[] = {&blocks[0], &blocks[1]};
static struct buf text;

static void setup(void)
{
	metrics_init();
	gbuf_init(&text);
}

static void teardown(void)
{
	gbuf_fini(&text);
}

TestSuite(metrics, .init = setup, .fini = teardown);

static void has(const char *line)
{
	cr_assert_not_null(buf_cstr(&text));
	cr_assert_not_null(strstr(text.ptr, line), "%s", line);
}

Test(metrics, counters_and_gauges_add_up)
{
	metrics_inc(&blocks[0], METRIC_OOM, 0);
	metrics_add(&blocks[1], METRIC_OOM, 0, 41);
	metrics_add(&blocks[0], METRIC_IN_FLIGHT, 0, 5);
	metrics_add(&blocks[1], METRIC_IN_FLIGHT, 0, -3);
	metrics_set(&blocks[1], METRIC_PKEYS, METRIC_PKEY_HELD, 7);
	metrics_inc(&blocks[0], METRIC_PKEY_ASSIGN, METRIC_ASSIGN_STEAL);
	cr_assert_eq(metrics_sum(all, 2, METRIC_OOM, 0), 42);
	metrics_text(&text, all, 2);
	has("# TYPE gvisord_oom_total counter\ngvisord_oom_total 42\n");
	has("\ngvisord_invocations_in_flight 2\n");
	has("\ngvisord_pkeys{state=\"free\"} 0\n"
	    "gvisord_pkeys{state=\"held\"} 7\n");
	has("\ngvisord_pkey_assign_total{result=\"steal\"} 1\n");
	has("\ngvisord_pkey_assign_total{result=\"fallback\"} 0\n");
}

Test(metrics, histogram)
{
	uint64_t cells[METRICS_HIST_CELLS];

	metrics_observe(&blocks[0], METRIC_START_SECONDS, METRIC_START_WARM, 0);
	metrics_observe(
		&blocks[1], METRIC_START_SECONDS, METRIC_START_WARM, 50000);
	metrics_observe(
		&blocks[1], METRIC_START_SECONDS, METRIC_START_WARM, 50001);
	metrics_observe(&blocks[0], METRIC_START_SECONDS, METRIC_START_WARM,
		UINT64_C(31000000000));
	metrics_hist(all, 2, METRIC_START_SECONDS, METRIC_START_WARM, cells);
	cr_assert_eq(cells[0], 2);
	cr_assert_eq(cells[1], 1);
	cr_assert_eq(cells[METRICS_BUCKETS], 1);
	cr_assert_eq(
		metrics_sum(all, 2, METRIC_START_SECONDS, METRIC_START_WARM),
		4);
	metrics_text(&text, all, 2);
	has("\ngvisord_start_seconds_bucket{kind=\"warm\",le=\"0.00005\"} 2\n");
	has("\ngvisord_start_seconds_bucket{kind=\"warm\",le=\"0.0001\"} 3\n");
	has("\ngvisord_start_seconds_bucket{kind=\"warm\",le=\"30\"} 3\n");
	has("\ngvisord_start_seconds_bucket{kind=\"warm\",le=\"+Inf\"} 4\n");
	has("\ngvisord_start_seconds_sum{kind=\"warm\"} 31.000100001\n");
	has("\ngvisord_start_seconds_count{kind=\"warm\"} 4\n");
	has("\ngvisord_start_seconds_count{kind=\"cold\"} 0\n");
}

Test(metrics, series_do_not_overlap)
{
	/* Each cell of each metric is touched once; no count exceeds one. */
	for (int m = 0; m < METRIC_COUNT; m++) {
		const struct metrics_desc *d = &metrics_table[m];

		cr_assert_not_null(d->name, "metric %d is not in the table", m);
		for (unsigned s = 0; s == 0 || (d->label && d->series[s]); s++)
			if (d->type == METRIC_HISTOGRAM)
				metrics_observe(
					&blocks[0], (enum metric)m, s, 0);
			else
				metrics_inc(&blocks[0], (enum metric)m, s);
	}
	for (int m = 0; m < METRIC_COUNT; m++)
		for (unsigned s = 0;
			s == 0 ||
			(metrics_table[m].label && metrics_table[m].series[s]);
			s++)
			cr_assert_eq(metrics_sum(all, 2, (enum metric)m, s), 1,
				"%s %u", metrics_table[m].name, s);
}

Test(metrics, gauge_below_zero_is_written_as_zero)
{
	metrics_add(&blocks[0], METRIC_IN_FLIGHT, 0, -1);
	metrics_text(&text, all, 2);
	has("\ngvisord_invocations_in_flight 0\n");
}

Test(metrics, own_samples_are_escaped)
{
	struct metrics_label l[] = {
		{"tenant", "a\"b\\c\nd"}, {"function", "f"}};

	metrics_text_family(&text, "x_total", "Help", METRIC_COUNTER);
	metrics_text_u64(&text, "x_total", l, 2, 3);
	metrics_text_ns(&text, "x_seconds", NULL, 0, 1500000001);
	has("# HELP x_total Help\n# TYPE x_total counter\n"
	    "x_total{tenant=\"a\\\"b\\\\c\\nd\",function=\"f\"} 3\n"
	    "x_seconds 1.500000001\n");
}

static void between(const char *name, uint64_t least, uint64_t most)
{
	char line[64];
	char *p;

	(void)snprintf(line, sizeof(line), "\n%s ", name);
	p = strstr(text.ptr, line);
	cr_assert_not_null(p, "%s", name);
	p += strlen(line);
	cr_assert_geq(strtoull(p, NULL, 10), least, "%s", p);
	cr_assert_leq(strtoull(p, NULL, 10), most, "%s", p);
}

Test(metrics, process)
{
	uint64_t now = (uint64_t)time(NULL);

	metrics_text_process(&text);
	cr_assert_not_null(buf_cstr(&text));
	has("gvisord_build_info{version=\"");
	between("process_resident_memory_bytes", 100000, UINT64_C(1) << 34);
	between("process_virtual_memory_bytes", 100000, UINT64_C(1) << 47);
	between("process_cpu_seconds_total", 0, 100);
	between("process_open_fds", 3, 1000);
	between("process_max_fds", 3, INT64_MAX);
	between("process_start_time_seconds", now - 600, now + 1);
	between("process_threads", 1, 100);
}
