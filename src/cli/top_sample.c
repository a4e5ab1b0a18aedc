/* Samples of a daemon, and the rates between two: see top_sample.h. */
#include "cli/top_sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/pages.h"

/* Metrics. ----------------------------------------------------------------- */

/* A quote inside a label's value is escaped there, so `label` is found as a
 * label only. */
static bool line_has(const char *labels, size_t len, const char *label)
{
	return !label || memmem(labels, len, label, strlen(label)) != NULL;
}

static double line_value(const char *text)
{
	double v = strtod(text, NULL);

	return isfinite(v) ? v : 0;
}

double top_metric(const char *text, const char *name, const char *label)
{
	size_t n = strlen(name);
	double sum = 0;

	while (*text) {
		const char *end = strchrnul(text, '\n');
		size_t len = (size_t)(end - text);
		const char *blank = memrchr(text, ' ', len);

		if (blank && strncmp(text, name, n) == 0 &&
			(text[n] == ' ' || text[n] == '{') &&
			line_has(text + n, (size_t)(end - text) - n, label))
			sum += line_value(blank + 1);
		text = *end ? end + 1 : end;
	}
	return sum;
}

void top_sample_read(struct top_sample *s, const char *text)
{
	static const char assign[] = "gvisord_pkey_assign_total";
	static const char calls[] = "gvisord_invocations_total";
	static const char isolates[] = "gvisord_isolates";
	static const char pkeys[] = "gvisord_pkeys";

	s->calls = top_metric(text, calls, NULL);
	s->errors = s->calls - top_metric(text, calls, "code=\"OK\"");
	s->in_flight = top_metric(text, "gvisord_invocations_in_flight", NULL);
	s->queued = top_metric(text, "gvisord_queue_depth", NULL);
	s->created = top_metric(text, "gvisord_isolate_created_total", NULL);
	s->ended = top_metric(text, "gvisord_isolate_destroyed_total", NULL);
	s->starting = top_metric(text, isolates, "state=\"starting\"");
	s->idle = top_metric(text, isolates, "state=\"idle\"");
	s->busy = top_metric(text, isolates, "state=\"busy\"");
	s->resident = top_metric(text, "process_resident_memory_bytes", NULL);
	s->keys_held = top_metric(text, pkeys, "state=\"held\"");
	s->keys_free = top_metric(text, pkeys, "state=\"free\"");
	s->hits = top_metric(text, assign, "result=\"hit\"");
	s->free = top_metric(text, assign, "result=\"free\"");
	s->evict = top_metric(text, assign, "result=\"steal\"");
	s->waits = top_metric(text, assign, "result=\"wait\"");
}

/* Samples. ----------------------------------------------------------------- */

void top_sample_functions(struct top_sample *s, const json_t *list)
{
	char id[130];
	size_t i;
	json_t *f;

	s->functions = json_object();
	json_array_foreach(list, i, f)
	{
		(void)snprintf(id, sizeof(id), "%s/%s",
			remote_text(f, "tenant"), remote_text(f, "name"));
		(void)json_object_set(s->functions, id, f);
	}
}

static double seconds_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int top_sample_take(struct cli *cli, struct top_sample *s)
{
	const struct client_request req = {.method = "GET",
		.path = "/metrics",
		.timeout_ms = REMOTE_WAIT_CONTROL_MS};
	CLEANUP(remote_jsonp) json_t *list = NULL;
	struct client_response res;
	int r;

	*s = (struct top_sample){0};
	r = pages_get(cli, "/v1/functions", "functions", &list, NULL);
	if (r)
		return r;
	top_sample_functions(s, list);
	r = remote_call(cli, "", &req, &res);
	if (r)
		return r;
	s->at = seconds_now();
	top_sample_read(s, res.body);
	client_response_fini(&res);
	return 0;
}

void top_sample_fini(struct top_sample *s)
{
	json_decref(s->functions);
	s->functions = NULL;
}

/* Rates. ------------------------------------------------------------------- */

static double grown(double before, double now)
{
	return now >= before ? now - before : now;
}

static double stat_of(const json_t *f, const char *key)
{
	return json_number_value(
		json_object_get(json_object_get(f, "stats"), key));
}

/* Counters of another version started anew. */
static const json_t *same_version(const json_t *before, const json_t *now)
{
	return remote_number(before, "version") == remote_number(now, "version")
		       ? before
		       : NULL;
}

static struct top_row row_of(
	const char *id, const json_t *before, const json_t *now, double seconds)
{
	const json_t *isolates = json_object_get(now, "isolates");
	double was, is, calls, ms;

	before = same_version(before, now);
	was = stat_of(before, "calls");
	is = stat_of(now, "calls");
	calls = grown(was, is);
	ms = grown(was * stat_of(before, "mean_run_ms"),
		is * stat_of(now, "mean_run_ms"));
	return (struct top_row){.id = id,
		.calls = calls / seconds,
		.errors = grown(stat_of(before, "errors"),
				  stat_of(now, "errors")) /
			  seconds,
		.mean_ms = calls > 0 ? ms / calls : 0,
		.idle = remote_number(isolates, "idle"),
		.busy = remote_number(isolates, "busy")};
}

static int busier(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	if (x->calls != y->calls)
		return x->calls > y->calls ? -1 : 1;
	if (x->busy != y->busy)
		return x->busy > y->busy ? -1 : 1;
	return strcmp(x->id, y->id);
}

bool top_rates_init(struct top_rates *r, const struct top_sample *before,
	const struct top_sample *now)
{
	double s = now->at > before->at ? now->at - before->at : 1;
	double hits = grown(before->hits, now->hits);
	double evict = grown(before->evict, now->evict);
	double asked = hits + evict + grown(before->free, now->free);
	const char *id;
	json_t *f;

	*r = (struct top_rates){.seconds = s,
		.calls = grown(before->calls, now->calls) / s,
		.errors = grown(before->errors, now->errors) / s,
		.created = grown(before->created, now->created) / s,
		.ended = grown(before->ended, now->ended) / s,
		.evict = evict / s,
		.waits = grown(before->waits, now->waits) / s,
		.hit_rate = asked > 0 ? hits / asked : -1};
	r->rows =
		calloc(json_object_size(now->functions) + 1, sizeof(*r->rows));
	if (!r->rows)
		return false;
	json_object_foreach(now->functions, id, f)
	{
		r->rows[r->n_rows++] = row_of(
			id, json_object_get(before->functions, id), f, s);
	}
	qsort(r->rows, r->n_rows, sizeof(*r->rows), busier);
	return true;
}

void top_rates_fini(struct top_rates *r)
{
	free(r->rows);
	*r = (struct top_rates){0};
}
