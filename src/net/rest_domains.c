/*
 * The isolates that are alive and the hardware keys they hold: /v1/isolates,
 * /v1/domains. Control thread; reads what the core shows.
 */
#include "core/runtime.h"
#include "net/rest_json.h"
#include "net/rest_page.h"
#include "net/rest_show.h"
#include "net/routes.h"
#include "net/server.h"
#include "util/clock.h"
#include "util/gbuf.h"

/* Isolates. -----------------------------------------------------------------*/

struct listing {
	struct buf out;
	size_t n;
	uint64_t limit;
	uint64_t last; /* place of the last one */
	bool more;
};

static void put_number(struct buf *b, const char *key, uint64_t value)
{
	buf_add_lit(b, ",\"");
	buf_add_str(b, key);
	buf_add_lit(b, "\":");
	buf_add_u64(b, value);
}

/* Names have been checked, all else is the runtime's own: no escapes. */
static void put_isolate(struct buf *b, const struct runtime_isolate *iso)
{
	uint64_t ms = iso->age_ns / CLOCK_MS;

	buf_add_lit(b, "{\"id\":");
	buf_add_u64(b, iso->id);
	buf_add_lit(b, ",\"state\":\"");
	buf_add_str(b, iso->state);
	buf_add_lit(b, "\",\"function\":\"");
	buf_add_str(b, iso->function);
	buf_add_char(b, '"');
	put_number(b, "version", iso->version);
	if (iso->key >= 0)
		put_number(b, "key", (uint64_t)iso->key);
	else
		buf_add_lit(b, ",\"key\":null");
	put_number(b, "worker", iso->worker);
	put_number(b, "age_s", ms / 1000);
	buf_add_char(b, '.');
	buf_add_pad(b, ms % 1000, 3);
	put_number(b, "calls", iso->calls);
	put_number(b, "heap_used", iso->heap_used);
	put_number(b, "heap_peak", iso->heap_peak);
	buf_add_char(b, '}');
}

static bool list_one(const struct runtime_isolate *iso, void *arg)
{
	struct listing *l = arg;

	l->more = l->n == l->limit;
	if (l->more)
		return false;
	if (l->n++)
		buf_add_char(&l->out, ',');
	put_isolate(&l->out, iso);
	l->last = iso->place;
	return buf_ok(&l->out);
}

static void list_reply(struct control_req *req, uint64_t limit, uint64_t from)
{
	struct runtime *rt = rest_exchange(req)->server->rt;
	struct listing l = {.limit = limit};

	gbuf_init(&l.out);
	buf_add_lit(&l.out, "{\"total\":");
	buf_add_u64(&l.out, runtime_isolate_count(rt));
	buf_add_lit(&l.out, ",\"isolates\":[");
	runtime_isolates(rt, from, list_one, &l);
	buf_add_char(&l.out, ']');
	if (l.more) {
		buf_add_lit(&l.out, ",\"next\":\"");
		buf_add_u64(&l.out, l.last);
		buf_add_char(&l.out, '"');
	}
	buf_add_char(&l.out, '}');
	rest_reply_buf(req, 200, &l.out);
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
		list_reply(req, page.limit, page.after ? from + 1 : 0);
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
		json_pack("{s:i, s:o, s:i, s:I, s:I, s:I, s:I}", "key", d->key,
			"owner", owner, "pins", (int)d->pins, "hits",
			(json_int_t)d->hits, "binds", (json_int_t)d->binds,
			"steals", (json_int_t)d->steals, "resident_bytes",
			(json_int_t)d->resident));
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
