/*
 * Registering, showing and removing functions: /v1/functions... (control
 * thread). Bodies, names and options are hostile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/runtime.h"
#include "net/query.h"
#include "net/registration.h"
#include "net/rest_json.h"
#include "net/rest_page.h"
#include "net/rest_show.h"
#include "net/routes.h"
#include "util/base64.h"
#include "util/clock.h"
#include "util/gbuf.h"
#include "util/log.h"

enum {
	ERR_MAX = 512
};

/* PUT. ----------------------------------------------------------------------*/

/* Options for which 0 is a value: no limit, no contexts. */
enum {
	WISH_CPU_MS,
	WISH_CONCURRENCY,
	WISH_RATE,
	WISH_CONTEXTS,
	WISH_LIMITS
};
static const char *const wish_limits[WISH_LIMITS] = {
	"cpu_ms", "max_concurrency", "max_rate", "contexts"};

enum {
	CALLS_MAX = 1000000
};

static uint64_t wish_most(const struct exchange *x, unsigned limit)
{
	switch (limit) {
	case WISH_CPU_MS:
		return x->server->opt.max_timeout_ns / CLOCK_MS;
	case WISH_CONTEXTS:
		return FUNCTION_CONTEXTS_MAX;
	default:
		return CALLS_MAX;
	}
}

/* What both forms of a PUT can say; 0 entries keep the defaults. */
struct wish {
	const char *language;
	const char *entry;
	uint64_t memory_mb;
	uint64_t timeout_ms;
	uint64_t idle_ttl_ms; /* UINT64_MAX: -1, they are kept */
	bool ttl_given;
	uint64_t limit[WISH_LIMITS];
	bool limit_given[WISH_LIMITS];
};

static void put_done(struct control_req *req, const struct registration *reg)
{
	struct buf b;

	if (reg->result == REGISTRATION_FAILED) {
		rest_reply_info(req, reg->failure, reg->refusals);
		return;
	}
	gbuf_init(&b);
	rest_show_function(&b, reg->fn);
	buf_add_str(&b, reg->result == REGISTRATION_REPLACED
				? ",\"replaced\":true}"
				: ",\"replaced\":false}");
	if (reg->result == REGISTRATION_NEW)
		(void)snprintf(req->location, sizeof(req->location),
			"/v1/functions/%s", reg->fn->id);
	rest_reply_buf(req, reg->result == REGISTRATION_NEW ? 201 : 200, &b);
}

static bool wish_apply(
	const struct wish *w, struct registration *reg, struct buf *err)
{
	if (w->memory_mb)
		reg->opt.memory_bytes = w->memory_mb << 20;
	if (w->timeout_ms)
		reg->opt.timeout_ns = w->timeout_ms * CLOCK_MS;
	if (w->ttl_given)
		reg->opt.idle_ttl_ns =
			w->idle_ttl_ms == UINT64_MAX
				? -1
				: (int64_t)(w->idle_ttl_ms * CLOCK_MS);
	if (w->limit_given[WISH_CPU_MS])
		reg->opt.cpu_ns = w->limit[WISH_CPU_MS] * CLOCK_MS;
	if (w->limit_given[WISH_CONCURRENCY])
		reg->opt.max_concurrency = (uint32_t)w->limit[WISH_CONCURRENCY];
	if (w->limit_given[WISH_RATE])
		reg->opt.max_rate = (uint32_t)w->limit[WISH_RATE];
	reg->contexts_given = w->limit_given[WISH_CONTEXTS];
	if (reg->contexts_given)
		reg->opt.contexts = (uint32_t)w->limit[WISH_CONTEXTS];
	return !w->entry || registration_entry(reg, slice_of(w->entry), err);
}

static bool put_query(
	struct exchange *x, struct wish *w, char *mem, struct buf *err)
{
	const struct server_options *o = &x->server->opt;
	struct query_param q[] = {{"language"}, {"entry"}, {"memory_mb"},
		{"timeout_ms"}, {"idle_ttl_ms", .or_minus_one = true},
		{wish_limits[0]}, {wish_limits[1]}, {wish_limits[2]},
		{wish_limits[3]}};

	if (query_parse(x->query, q, 5 + WISH_LIMITS, mem, err) ||
		query_u64(&q[2], 1, o->max_memory_bytes >> 20, err,
			&w->memory_mb) ||
		query_u64(&q[3], 1, o->max_timeout_ns / CLOCK_MS, err,
			&w->timeout_ms) ||
		query_u64(&q[4], 0, o->max_idle_ttl_ns / CLOCK_MS, err,
			&w->idle_ttl_ms))
		return false;
	w->language = q[0].value;
	w->entry = q[1].value;
	w->ttl_given = q[4].value != NULL;
	for (unsigned i = 0; i < WISH_LIMITS; i++) {
		if (query_u64(&q[5 + i], 0, wish_most(x, i), err, &w->limit[i]))
			return false;
		w->limit_given[i] = q[5 + i].value != NULL;
	}
	return true;
}

static bool put_object(struct exchange *x, json_t *object, struct wish *w,
	const char **ret_code, size_t *ret_len, struct buf *err)
{
	const struct server_options *o = &x->server->opt;
	struct rest_field f[] = {
		{"code", .text = ret_code, .text_len = ret_len},
		{"language", .text = &w->language},
		{"entry", .text = &w->entry},
		{"memory_mb", .number = &w->memory_mb, .min = 1,
			.max = o->max_memory_bytes >> 20},
		{"timeout_ms", .number = &w->timeout_ms, .min = 1,
			.max = o->max_timeout_ns / CLOCK_MS},
		{"idle_ttl_ms", .number = &w->idle_ttl_ms,
			.max = o->max_idle_ttl_ns / CLOCK_MS,
			.or_minus_one = true},
		{wish_limits[0], .number = &w->limit[0],
			.max = wish_most(x, 0)},
		{wish_limits[1], .number = &w->limit[1],
			.max = wish_most(x, 1)},
		{wish_limits[2], .number = &w->limit[2],
			.max = wish_most(x, 2)},
		{wish_limits[3], .number = &w->limit[3],
			.max = wish_most(x, 3)},
	};

	if (!rest_read_fields(object, f, sizeof(f) / sizeof(f[0]), err))
		return false;
	w->ttl_given = f[5].given;
	for (unsigned i = 0; i < WISH_LIMITS; i++)
		w->limit_given[i] = f[6 + i].given;
	if (f[0].given)
		return true;
	buf_add_lit(err, "\"code\" is missing: the code, in Base64");
	return false;
}

/* NULL: err says which there are. */
static const struct engine *engine_find(
	struct exchange *x, const struct wish *w, struct buf *err)
{
	struct slice type = http_get(x->req, HTTP_CONTENT_TYPE);
	const struct engine *e = NULL;

	if (w->language)
		e = engine_by_name(w->language);
	else if (type.len)
		e = engine_by_media_type(type.ptr, type.len);
	if (e)
		return e;
	if (w->language) {
		buf_add_lit(err, "\"language\" must be one of");
		for (size_t i = 0; (e = engine_at(i)); i++) {
			buf_add_char(err, ' ');
			buf_add_str(err, e->name);
		}
	} else {
		buf_add_lit(err,
			"say which language the code is in: ?language=, or a "
			"Content-Type of");
		for (size_t i = 0; (e = engine_at(i)); i++) {
			buf_add_char(err, ' ');
			buf_add_str(err, e->media_type);
		}
	}
	return NULL;
}

static void put_raw(struct control_req *req, struct registration *reg)
{
	struct exchange *x = rest_exchange(req);
	char err_mem[ERR_MAX];
	struct wish w = {0};
	struct buf err;
	char *mem = malloc(x->query.len + 1);

	buf_init(&err, err_mem, sizeof(err_mem));
	if (!mem || !put_query(x, &w, mem, &err) ||
		!wish_apply(&w, reg, &err)) {
		rest_reply_error(req, PROBLEM_REQUEST_INVALID, &err);
		registration_free(reg);
	} else if (!(reg->opt.engine = engine_find(x, &w, &err))) {
		rest_reply_error(req,
			w.language ? PROBLEM_REQUEST_INVALID
				   : PROBLEM_REQUEST_UNSUPPORTED_TYPE,
			&err);
		registration_free(reg);
	} else {
		registration_start(req, reg, x->body, x->body_len);
	}
	free(mem);
}

static void put_decoded(struct control_req *req, struct registration *reg,
	const char *text, size_t len)
{
	char *code = malloc(BASE64_DECODED_MAX(len) + 1);
	size_t code_len;

	if (code && base64_decode(text, len, code, &code_len)) {
		registration_start(req, reg, code, code_len);
	} else {
		rest_reply_problem(
			req, PROBLEM_REQUEST_INVALID, "\"code\" is not Base64");
		registration_free(reg);
	}
	free(code);
}

static void put_json(struct control_req *req, struct registration *reg)
{
	struct exchange *x = rest_exchange(req);
	char err_mem[ERR_MAX];
	struct wish w = {.language = "lua"};
	struct buf err;
	const char *code = NULL;
	size_t len = 0;
	json_t *object;

	buf_init(&err, err_mem, sizeof(err_mem));
	if (x->query.len) {
		rest_reply_problem(req, PROBLEM_REQUEST_INVALID,
			"a JSON body has its options in the object, not in "
			"the query");
		registration_free(reg);
		return;
	}
	object = rest_read_object(x, &err);
	if (!object) {
		rest_reply_error(req, PROBLEM_REQUEST_BAD_JSON, &err);
		registration_free(reg);
	} else if (!put_object(x, object, &w, &code, &len, &err) ||
		   !wish_apply(&w, reg, &err) ||
		   !(reg->opt.engine = engine_find(x, &w, &err))) {
		rest_reply_error(req, PROBLEM_REQUEST_INVALID, &err);
		registration_free(reg);
	} else {
		put_decoded(req, reg, code, len);
	}
	json_decref(object);
}

void rest_function_put(struct control_req *req)
{
	struct exchange *x = rest_exchange(req);
	struct registration *reg = registration_new(x->server);
	char err_mem[ERR_MAX];
	struct buf err;

	buf_init(&err, err_mem, sizeof(err_mem));
	if (!reg) {
		rest_reply_problem(
			req, PROBLEM_DAEMON_INTERNAL, "out of memory");
		return;
	}
	reg->done = put_done;
	if (!registration_name(reg, x->param[0], x->param[1], &err)) {
		rest_reply_error(req, PROBLEM_REQUEST_INVALID, &err);
		registration_free(reg);
	} else if (rest_media_is(x, "application/json")) {
		put_json(req, reg);
	} else {
		put_raw(req, reg);
	}
}

/* GET, DELETE of one. -------------------------------------------------------*/

void rest_function_get(struct control_req *req)
{
	struct exchange *x = rest_exchange(req);
	struct function *fn =
		registry_find(x->server->rt->registry, x->id, x->id_len);
	struct buf b;

	if (!rest_no_query(req))
		return;
	if (!fn) {
		rest_reply_not_found(req);
		return;
	}
	gbuf_init(&b);
	rest_show_function(&b, fn);
	buf_add_char(&b, '}');
	rest_reply_buf(req, 200, &b);
}

void rest_function_delete(struct control_req *req)
{
	struct exchange *x = rest_exchange(req);

	if (!rest_no_query(req))
		return;
	if (registry_remove(x->server->rt->registry, x->id) != 0) {
		rest_reply_not_found(req);
		return;
	}
	log_info("function removed", LOG_STR("fn", x->id));
	control_reply(req, 204, NULL, NULL, 0);
}

/* Lists. --------------------------------------------------------------------*/

struct listing {
	struct buf out;
	size_t n;
	uint64_t limit;
	const char *prefix; /* "tenant/", or "" */
	bool more;
	char last[FUNCTION_ID_MAX];
};

static bool list_one(struct function *fn, void *arg)
{
	struct listing *l = arg;

	if (strncmp(fn->id, l->prefix, strlen(l->prefix)) != 0)
		return false;
	l->more = l->n == l->limit;
	if (l->more)
		return false;
	if (l->n++)
		buf_add_char(&l->out, ',');
	rest_show_function(&l->out, fn);
	buf_add_char(&l->out, '}');
	(void)strcpy(l->last, fn->id);
	return buf_ok(&l->out);
}

static void list_write(
	struct listing *l, struct registry *registry, const char *after)
{
	/* A tenant's functions stand behind "tenant/", which is no id. */
	if (!after || strcmp(after, l->prefix) < 0)
		after = l->prefix;
	gbuf_init(&l->out);
	buf_add_lit(&l->out, "{\"functions\":[");
	registry_each(registry, after, list_one, l);
	buf_add_lit(&l->out, "],\"total\":");
	buf_add_u64(&l->out, registry_count(registry));
	if (l->more) {
		buf_add_lit(&l->out, ",\"next\":\"");
		buf_add_str(&l->out, l->last);
		buf_add_char(&l->out, '"');
	}
	buf_add_char(&l->out, '}');
}

void rest_functions_list(struct control_req *req)
{
	struct exchange *x = rest_exchange(req);
	char prefix[INSIDE_NAME_MAX + 1] = "", err_mem[ERR_MAX];
	struct listing l = {.prefix = prefix};
	struct rest_page page;
	struct buf err;

	buf_init(&err, err_mem, sizeof(err_mem));
	if (x->param[0].len && !str_is_name(x->param[0])) {
		rest_reply_problem(req, PROBLEM_REQUEST_INVALID,
			"no tenant can have that name");
		return;
	}
	if (!rest_page_init(&page, req, &err)) {
		rest_reply_error(req, PROBLEM_REQUEST_INVALID, &err);
		return;
	}
	if (x->param[0].len)
		(void)snprintf(prefix, sizeof(prefix), "%.*s/",
			(int)x->param[0].len, x->param[0].ptr);
	l.limit = page.limit;
	list_write(&l, x->server->rt->registry, page.after);
	rest_reply_buf(req, 200, &l.out);
	rest_page_fini(&page);
}
