/* A moment of `gvisord top` as text: see top_show.h. */
#include "cli/top_show.h"

#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/remote.h"
#include "cli/table.h"

enum {
	JSON_ROWS = 100 /* functions of one line of JSON */
};

static double mib(double bytes)
{
	return bytes / (1 << 20);
}

static double n_keys(const struct top_sample *s)
{
	return s->keys_held + s->keys_free;
}

/* Page. -------------------------------------------------------------------- */

static void show_keys(
	FILE *to, const struct top_sample *now, const struct top_rates *r)
{
	if (n_keys(now) <= 0) {
		(void)fputs("keys      none: software isolation\n", to);
		return;
	}
	(void)fprintf(
		to, "keys      %.0f of %.0f held", now->keys_held, n_keys(now));
	if (r->hit_rate >= 0)
		(void)fprintf(to, "   hit rate %.1f %%", 100 * r->hit_rate);
	(void)fprintf(
		to, "   evictions %.1f/s   waits %.1f/s\n", r->evict, r->waits);
}

static void show_rows(FILE *to, const struct top_rates *r, size_t max_rows)
{
	static const char *const heads[] = {
		"FUNCTION", ">CALLS/S", ">ERRORS/S", ">MEAN", ">IDLE", ">BUSY"};
	struct table t;

	table_init(&t, heads, 6);
	for (size_t i = 0; i < r->n_rows && i < max_rows; i++) {
		const struct top_row *row = &r->rows[i];

		table_cell(&t, "%s", row->id);
		table_cell(&t, "%.1f", row->calls);
		table_cell(&t, "%.1f", row->errors);
		if (row->calls > 0)
			table_cell(&t, "%.3f ms", row->mean_ms);
		else
			table_cell(&t, "-");
		table_cell(&t, "%lld", row->idle);
		table_cell(&t, "%lld", row->busy);
	}
	(void)table_print(&t, to);
	table_fini(&t);
}

void top_show_page(FILE *to, const struct top_sample *now,
	const struct top_rates *r, size_t max_rows)
{
	(void)fprintf(to,
		"calls     %.1f/s   errors %.1f/s   in flight %.0f   queued "
		"%.0f\n",
		r->calls, r->errors, now->in_flight, now->queued);
	(void)fprintf(to,
		"isolates  %.0f idle   %.0f busy   %.0f starting   made %.1f/s"
		"   ended %.1f/s\n",
		now->idle, now->busy, now->starting, r->created, r->ended);
	(void)fprintf(to, "memory    %.1f MiB resident   functions %zu\n",
		mib(now->resident), r->n_rows);
	show_keys(to, now, r);
	(void)fputc('\n', to);
	show_rows(to, r, max_rows);
}

/* Lines. ------------------------------------------------------------------- */

static void put_time(FILE *to)
{
	time_t t = time(NULL);
	char text[32];
	struct tm tm;

	if (gmtime_r(&t, &tm) &&
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		(void)fputs(text, to);
}

void top_show_line(
	FILE *to, const struct top_sample *now, const struct top_rates *r)
{
	put_time(to);
	(void)fprintf(to,
		" calls/s=%.1f errors/s=%.1f in_flight=%.0f idle=%.0f"
		" busy=%.0f resident_mib=%.1f",
		r->calls, r->errors, now->in_flight, now->idle, now->busy,
		mib(now->resident));
	if (n_keys(now) > 0)
		(void)fprintf(to,
			" keys_held=%.0f keys=%.0f evictions/s=%.1f"
			" waits/s=%.1f",
			now->keys_held, n_keys(now), r->evict, r->waits);
	if (r->hit_rate >= 0)
		(void)fprintf(to, " hit_rate=%.3f", r->hit_rate);
	if (r->n_rows > 0 && r->rows[0].calls > 0) {
		(void)fputs(" busiest=", to);
		cli_print_safe(to, r->rows[0].id);
	}
	(void)fputc('\n', to);
}

static json_t *row_json(const struct top_row *row)
{
	return json_pack("{s:s, s:f, s:f, s:f, s:I, s:I}", "function", row->id,
		"calls_s", row->calls, "errors_s", row->errors, "mean_ms",
		row->mean_ms, "idle", row->idle, "busy", row->busy);
}

void top_show_json(
	FILE *to, const struct top_sample *now, const struct top_rates *r)
{
	AUTO_FREE char *text = NULL;
	json_t *rows = json_array(), *json;

	for (size_t i = 0; i < r->n_rows && i < JSON_ROWS; i++)
		if (r->rows[i].calls > 0 || r->rows[i].busy > 0)
			(void)json_array_append_new(
				rows, row_json(&r->rows[i]));
	json = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f,"
			 " s:f, s:f, s:f, s:f, s:o, s:o}",
		"interval_s", r->seconds, "calls_s", r->calls, "errors_s",
		r->errors, "in_flight", now->in_flight, "queued", now->queued,
		"isolates_idle", now->idle, "isolates_busy", now->busy,
		"isolates_made_s", r->created, "isolates_ended_s", r->ended,
		"resident_bytes", now->resident, "keys", n_keys(now),
		"keys_held", now->keys_held, "evictions_s", r->evict, "waits_s",
		r->waits, "hit_rate",
		r->hit_rate >= 0 ? json_real(r->hit_rate) : json_null(),
		"functions", rows);
	text = json_dumps(json,
		JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
	json_decref(json);
	(void)fprintf(to, "%s\n", text ? text : "{}");
}

void top_show_names(FILE *to, const struct top_rates *r)
{
	for (size_t i = 0; i < r->n_rows && r->rows[i].calls > 0; i++) {
		cli_print_safe(to, r->rows[i].id);
		(void)fputc('\n', to);
	}
}
