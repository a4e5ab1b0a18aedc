/*
 * What the daemon says about itself. The probes run on the worker and read
 * atomics only; the rest runs on the control thread.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/runtime.h"
#include "net/hub.h"
#include "net/outcomes.h"
#include "net/rest_json.h"
#include "net/routes.h"
#include "util/clock.h"
#include "util/gbuf.h"
#include "util/metrics.h"

static const char *isolation_name(const struct runtime *rt)
{
	return rt->hardware ? "mpk" : "software";
}

/* Native functions are let in, and nothing holds them. */
static bool unsafe_native(const struct runtime *rt)
{
	return rt->opt.unsafe_native && !rt->hardware;
}

/* Worker. -------------------------------------------------------------------*/

void rest_livez(struct exchange *x)
{
	static const char ok[] = "{\"status\":\"ok\"}";

	if (exchange_no_query(x))
		exchange_reply_bytes(
			x, 200, "application/json", ok, sizeof(ok) - 1);
}

void rest_version(struct exchange *x)
{
	static const char body[] =
		"{\"name\":\"gvisord\",\"version\":\"" GV_VERSION "\"}";

	if (exchange_no_query(x))
		exchange_reply_bytes(
			x, 200, "application/json", body, sizeof(body) - 1);
}

void rest_readyz(struct exchange *x)
{
	struct runtime *rt = x->server->rt;
	bool draining = worker_draining(x->worker);
	bool ready = !draining &&
		     atomic_load_explicit(&rt->ready, memory_order_relaxed);
	char mem[192];
	struct buf b;

	if (!exchange_no_query(x))
		return;
	buf_init(&b, mem, sizeof(mem));
	buf_add_lit(&b, "{\"status\":\"");
	buf_add_str(&b, draining ? "draining" : ready ? "ready" : "starting");
	buf_add_lit(&b, "\",\"isolation\":\"");
	buf_add_str(&b, isolation_name(rt));
	buf_add_lit(&b, "\"");
	if (unsafe_native(rt))
		buf_add_lit(&b, ",\"unsafe_native\":true");
	buf_add_char(&b, '}');
	exchange_reply_bytes(
		x, ready ? 200 : 503, "application/json", b.ptr, b.len);
}

/* Control thread: info. -----------------------------------------------------*/

static json_t *languages_json(const struct runtime *rt)
{
	json_t *list = json_array();
	const struct engine *e;

	for (size_t i = 0; (e = engine_at(i)); i++)
		if (rt->hardware || rt->opt.unsafe_native || e->memory_safe)
			(void)json_array_append_new(
				list, json_pack("{s:s, s:s}", "name", e->name,
					      "media_type", e->media_type));
	return list;
}

void rest_info(struct control_req *req)
{
	struct server *s = rest_exchange(req)->server;
	struct runtime *rt = s->rt;
	unsigned keys, held;

	if (!rest_no_query(req))
		return;
	runtime_keys(rt, &keys, &held);
	rest_reply_json(req, 200,
		json_pack("{s:s, s:s, s:s?, s:f, s:i, s:I, s:i, s:{s:i, s:i},"
			  " s:b, s:o}",
			"version", GV_VERSION, "isolation", isolation_name(rt),
			"isolation_reason", rt->why_software, "uptime_s",
			(double)((clock_now() - rt->started) / CLOCK_MS) /
				1000.0,
			"workers", (int)rt->n_workers, "functions",
			(json_int_t)registry_count(rt->registry), "connections",
			(int)server_connections(s), "keys", "total", (int)keys,
			"held", (int)held, "unsafe_native", unsafe_native(rt),
			"languages", languages_json(rt)));
}

/* Control thread: metrics. --------------------------------------------------*/

enum {
	METRICS_FUNCTIONS = 1000
}; /* with series of their own */

static void outcomes_text(struct buf *out, const struct server *s)
{
	static const char name[] = "gvisord_invocations_total";
	static const char *const start[] = {"warm", "cold"};

	metrics_text_family(out, name,
		"Invocations by how they ended and how they started.",
		METRIC_COUNTER);
	for (unsigned o = 0; o < OUTCOME_COUNT; o++)
		for (unsigned cold = 0; cold < 2; cold++) {
			const struct metrics_label labels[] = {
				{"code", outcome_code((enum outcome)o)},
				{"start", start[cold]},
			};
			uint64_t n = 0;

			for (unsigned i = 0; i < s->n_workers; i++)
				if (s->hubs[i])
					n += atomic_load_explicit(
						&s->hubs[i]
							 ->invocations[o][cold],
						memory_order_relaxed);
			if (n || o == OUTCOME_OK)
				metrics_text_u64(out, name, labels, 2, n);
		}
}

/* One family at a time, as the format wants it. */
struct series {
	struct buf *out;
	const char *name;
	bool errors; /* count errors, not calls */
	size_t n;
	uint64_t other; /* all functions past METRICS_FUNCTIONS */
};

static bool series_one(struct function *fn, void *arg)
{
	struct series *s = arg;
	const struct metrics_label labels[] = {
		{"tenant", fn->opt.tenant}, {"function", fn->opt.name}};
	const _Atomic uint64_t *counter =
		s->errors ? &fn->stats.errors : &fn->stats.calls;
	uint64_t v = atomic_load_explicit(counter, memory_order_relaxed);

	if (s->n++ < METRICS_FUNCTIONS)
		metrics_text_u64(s->out, s->name, labels, 2, v);
	else
		s->other += v;
	return true;
}

static void series_text(struct buf *out, struct runtime *rt, const char *name,
	const char *help, bool errors)
{
	static const struct metrics_label other[] = {
		{"tenant", "_other"}, {"function", "_other"}};
	struct series s = {.out = out, .name = name, .errors = errors};

	metrics_text_family(out, name, help, METRIC_COUNTER);
	registry_each(rt->registry, NULL, series_one, &s);
	if (s.n > METRICS_FUNCTIONS)
		metrics_text_u64(out, name, other, 2, s.other);
}

/* Those of the configuration, no others: so many and no more. */
static void tenants_text(struct buf *out, const struct tenants *ts)
{
	static const char name[] = "gvisord_tenant_cpu_seconds_total";

	metrics_text_family(out, name,
		"Time that a tenant's runs held workers.", METRIC_COUNTER);
	for (size_t i = 0; i < ts->n; i++) {
		const struct metrics_label label = {"tenant", ts->all[i].name};

		metrics_text_ns(out, name, &label, 1,
			share_used(&ts->all[i].share, clock_now()));
	}
}

void rest_metrics(struct control_req *req)
{
	struct server *s = rest_exchange(req)->server;
	struct buf out;
	size_t len;
	char *text;

	if (!rest_no_query(req))
		return;
	gbuf_init(&out);
	metrics_text_process(&out);
	runtime_metrics(s->rt, &out);
	outcomes_text(&out, s);
	series_text(&out, s->rt, "gvisord_function_calls_total",
		"Invocations of the current version.", false);
	series_text(&out, s->rt, "gvisord_function_errors_total",
		"Invocations of the current version that failed.", true);
	if (s->rt->tenants.n > 0)
		tenants_text(&out, &s->rt->tenants);
	text = gbuf_steal(&out, &len);
	if (text)
		control_reply(req, 200, "text/plain; version=0.0.4", text, len);
	else
		rest_reply_problem(
			req, PROBLEM_DAEMON_INTERNAL, "out of memory");
}
