/*
 * The isolates that are alive and the hardware keys they hold: /v1/isolates,
 * /v1/domains. Control thread; reads what the core shows.
 */
#include <stdio.h>

#include "core/runtime.h"
#include "net/rest_json.h"
#include "net/rest_page.h"
#include "net/routes.h"
#include "net/server.h"
#include "util/clock.h"

/* Isolates. -----------------------------------------------------------------*/

struct listing {
	json_t *isolates;
	uint64_t limit;
	uint64_t last; /* place of the last one */
	bool more;
};

static json_t *isolate_json(const struct runtime_isolate *iso)
{
	return json_pack("{s:I, s:s, s:s, s:I, s:o, s:i, s:f, s:I, s:I, s:I}",
		"id", (json_int_t)iso->id, "state", iso->state, "function",
		iso->function, "version", (json_int_t)iso->version, "key",
		iso->key >= 0 ? json_integer(iso->key) : json_null(), "worker",
		(int)iso->worker, "age_s",
		(double)(iso->age_ns / CLOCK_MS) / 1000.0, "calls",
		(json_int_t)iso->calls, "heap_used", (json_int_t)iso->heap_used,
		"heap_peak", (json_int_t)iso->heap_peak);
}

static bool list_one(const struct runtime_isolate *iso, void *arg)
{
	struct listing *l = arg;

	l->more = json_array_size(l->isolates) == l->limit;
	if (l->more)
		return false;
	l->last = iso->place;
	return json_array_append_new(l->isolates, isolate_json(iso)) == 0;
}

static json_t *isolates_json(struct runtime *rt, uint64_t limit, uint64_t from)
{
	struct listing l = {.isolates = json_array(), .limit = limit};
	char next[24];
	json_t *json;

	runtime_isolates(rt, from, list_one, &l);
	json = json_pack("{s:I, s:o}", "total",
		(json_int_t)runtime_isolate_count(rt), "isolates", l.isolates);
	(void)snprintf(next, sizeof(next), "%llu", (unsigned long long)l.last);
	if (json && l.more)
		(void)json_object_set_new(json, "next", json_string(next));
	return json;
}

void rest_isolates(struct control_req *req)
{
	struct rest_page page;
	uint64_t from = 0;
	char err_mem[256];
	struct buf err;

	buf_init(&err, err_mem, sizeof(err_mem));
	if (!rest_page_init(&page, req, &err)) {
		rest_reply_error(req, PROBLEM_REQUEST_INVALID, &err);
		return;
	}
	if (page.after &&
		!str_parse_u64(slice_of(page.after), 0, UINT64_MAX - 1, &from))
		rest_reply_problem(req, PROBLEM_REQUEST_INVALID,
			"\"after\" is not what a page gave as \"next\"");
	else
		rest_reply_json(req, 200,
			isolates_json(rest_exchange(req)->server->rt,
				page.limit, page.after ? from + 1 : 0));
	rest_page_fini(&page);
}

/* Keys. ---------------------------------------------------------------------*/

static void domain_add(const struct runtime_domain *d, void *list)
{
	const struct runtime_isolate *iso = &d->owner;
	json_t *owner = json_null();

	if (d->owned)
		owner = json_pack("{s:I, s:s, s:I, s:s, s:i}", "isolate",
			(json_int_t)iso->id, "function", iso->function,
			"version", (json_int_t)iso->version, "state",
			iso->state, "worker", (int)iso->worker);
	(void)json_array_append_new(list,
		json_pack("{s:i, s:o, s:i, s:I, s:I, s:I}", "key", d->key,
			"owner", owner, "pins", (int)d->pins, "binds",
			(json_int_t)d->binds, "steals", (json_int_t)d->steals,
			"resident_bytes", (json_int_t)d->resident));
}

static json_t *use_json(struct runtime *rt)
{
	struct runtime_key_use use;

	runtime_key_use(rt, &use);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:I}", "hits",
		(json_int_t)use.hits, "misses",
		(json_int_t)(use.free + use.evict), "free",
		(json_int_t)use.free, "evict", (json_int_t)use.evict, "waits",
		(json_int_t)use.waits, "wait_s", (double)use.wait_ns / CLOCK_S,
		"retagged_pages", (json_int_t)use.retagged);
}

void rest_domains(struct control_req *req)
{
	struct runtime *rt = rest_exchange(req)->server->rt;
	json_t *list;

	if (!rest_no_query(req))
		return;
	list = json_array();
	runtime_domains(rt, domain_add, list);
	rest_reply_json(req, 200,
		json_pack("{s:s, s:s?, s:o, s:o}", "isolation",
			rt->hardware ? "mpk" : "software", "isolation_reason",
			rt->why_software, "domains", list, "totals",
			use_json(rt)));
}
