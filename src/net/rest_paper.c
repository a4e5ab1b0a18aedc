/*
 * The paper's form: one end-point, POST /, with register, invoke and deregister
 * as methods in a JSON object (control thread; an invocation goes back to the
 * worker). Also POST /register and /deregister as the published scripts use
 * them. Bodies are hostile.
 *
 * A function's name there is one word, ours has a tenant: "f" is "default/f".
 * Where the paper answers false, the reason stands in the header Gvisor-Code
 * and in the log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/runtime.h"
#include "net/query.h"
#include "net/registration.h"
#include "net/rest_json.h"
#include "net/routes.h"
#include "util/base64.h"
#include "util/escape.h"
#include "util/log.h"

enum {
	ERR_MAX = 512
};

/* "f", "tenant/f" -> both parts. */
static void split_name(
	struct slice fid, struct slice *ret_tenant, struct slice *ret_name)
{
	const char *slash = memchr(fid.ptr, '/', fid.len);

	*ret_tenant = slice_of("default");
	*ret_name = fid;
	if (!slash)
		return;
	*ret_tenant = (struct slice){fid.ptr, (size_t)(slash - fid.ptr)};
	*ret_name = (struct slice){slash + 1, fid.len - ret_tenant->len - 1};
}

static bool take_id(struct exchange *x, struct slice fid)
{
	struct slice tenant, name;

	split_name(fid, &tenant, &name);
	if (!str_is_name(tenant) || !str_is_name(name))
		return false;
	x->id_len = (size_t)snprintf(x->id, sizeof(x->id), "%.*s/%.*s",
		(int)tenant.len, tenant.ptr, (int)name.len, name.ptr);
	return true;
}

static void reply_bool(struct control_req *req, bool value)
{
	char *text = strdup(value ? "true" : "false");

	control_reply(
		req, 200, "application/json", text, text ? strlen(text) : 0);
}

static void reply_false(
	struct control_req *req, enum problem p, const char *why)
{
	struct exchange *x = rest_exchange(req);

	log_info("paper method answered false", LOG_STR("fn", x->id),
		LOG_STR("code", problem_code(p)), LOG_STR("why", why));
	buf_add_lit(&x->extra, "Gvisor-Code: ");
	buf_add_str(&x->extra, problem_code(p));
	buf_add_lit(&x->extra, "\r\n");
	reply_bool(req, false);
}

/* Register. -----------------------------------------------------------------*/

static void registered(struct control_req *req, const struct registration *reg)
{
	if (reg->result == REGISTRATION_FAILED)
		reply_false(req, reg->failure->problem, reg->failure->detail);
	else
		reply_bool(req, true);
}

static void registered_hydra(
	struct control_req *req, const struct registration *reg)
{
	char text[FUNCTION_ID_MAX + 32], *copy;

	if (reg->result == REGISTRATION_FAILED) {
		rest_reply_info(req, reg->failure, NULL);
		return;
	}
	(void)snprintf(
		text, sizeof(text), "Function %s registered!", reg->opt.name);
	copy = strdup(text);
	control_reply(req, 200, "text/plain; charset=utf-8", copy,
		copy ? strlen(copy) : 0);
}

/* bytes 0: the default. */
static bool take_memory(struct exchange *x, struct registration *reg,
	uint64_t bytes, struct buf *err)
{
	if (bytes == 0)
		return true;
	if (bytes > x->server->opt.max_memory_bytes) {
		buf_add_lit(err, "the memory is over limits.memory_mb");
		return false;
	}
	/* A budget is whole MiB. */
	reg->opt.memory_bytes = (bytes + 0xfffff) & ~UINT64_C(0xfffff);
	return true;
}

struct paper_wish {
	struct slice fid;
	const char *language;
	const char *entry;
	uint64_t memory_bytes;
};

static bool wish_apply(struct exchange *x, const struct paper_wish *w,
	struct registration *reg, struct buf *err)
{
	struct slice tenant, name;

	split_name(w->fid, &tenant, &name);
	reg->opt.engine = engine_by_name(w->language ? w->language : "lua");
	if (!reg->opt.engine) {
		buf_add_lit(err, "no such language");
		return false;
	}
	return registration_name(reg, tenant, name, err) &&
	       (!w->entry ||
		       registration_entry(reg, slice_of(w->entry), err)) &&
	       take_memory(x, reg, w->memory_bytes, err);
}

static void paper_register(struct control_req *req, const struct paper_wish *w,
	const char *text, size_t len)
{
	struct exchange *x = rest_exchange(req);
	struct registration *reg = registration_new(x->server);
	char err_mem[ERR_MAX], *code = malloc(BASE64_DECODED_MAX(len) + 1);
	struct buf err;
	size_t code_len;

	buf_init(&err, err_mem, sizeof(err_mem) - 1);
	if (!reg || !code) {
		buf_add_lit(&err, "out of memory");
	} else if (!base64_decode(text, len, code, &code_len)) {
		buf_add_lit(&err, "\"code\" is not Base64");
	} else if (wish_apply(x, w, reg, &err)) {
		reg->done = registered;
		registration_start(req, reg, code, code_len);
		free(code);
		return;
	}
	err.ptr[err.len] = '\0';
	reply_false(req, PROBLEM_REQUEST_INVALID, err.ptr);
	registration_free(reg);
	free(code);
}

static bool register_query(
	struct exchange *x, struct paper_wish *w, char *mem, struct buf *err)
{
	struct query_param q[] = {{"name"}, {"language"}, {"entryPoint"},
		{"sandbox"}, {"memory"}};

	if (query_parse(x->query, q, 5, mem, err) ||
		query_u64(&q[4], 1, UINT64_MAX, err, &w->memory_bytes))
		return false;
	if (!q[0].value) {
		buf_add_lit(err, "query parameter \"name\" is missing");
		return false;
	}
	w->fid = slice_of(q[0].value);
	w->language = q[1].value;
	w->entry = q[2].value;
	return true;
}

void rest_paper_register(struct control_req *req)
{
	struct exchange *x = rest_exchange(req);
	struct registration *reg = registration_new(x->server);
	char err_mem[ERR_MAX], *mem = malloc(x->query.len + 1);
	struct paper_wish w = {0};
	struct buf err;

	buf_init(&err, err_mem, sizeof(err_mem));
	if (reg && mem && register_query(x, &w, mem, &err) &&
		wish_apply(x, &w, reg, &err)) {
		reg->done = registered_hydra;
		registration_start(req, reg, x->body, x->body_len);
	} else {
		rest_reply_error(req, PROBLEM_REQUEST_INVALID, &err);
		registration_free(reg);
	}
	free(mem);
}

/* Deregister. ---------------------------------------------------------------*/

static bool deregister(struct exchange *x, struct slice fid)
{
	if (!take_id(x, fid) ||
		registry_remove(x->server->rt->registry, x->id) != 0)
		return false;
	log_info("function removed", LOG_STR("fn", x->id));
	return true;
}

void rest_paper_deregister(struct control_req *req)
{
	struct exchange *x = rest_exchange(req);
	const char *name = NULL;
	size_t len = 0;
	struct rest_field f[] = {{"name", .text = &name, .text_len = &len}};
	char err_mem[ERR_MAX];
	struct buf err;
	json_t *object;

	if (!rest_no_query(req))
		return;
	buf_init(&err, err_mem, sizeof(err_mem));
	object = rest_read_object(x, &err);
	if (!object) {
		rest_reply_error(req, PROBLEM_REQUEST_BAD_JSON, &err);
	} else if (!rest_read_fields(object, f, 1, &err) || !name) {
		if (err.len == 0)
			buf_add_lit(&err, "\"name\" is missing");
		rest_reply_error(req, PROBLEM_REQUEST_INVALID, &err);
	} else if (deregister(x, (struct slice){name, len})) {
		control_reply(req, 200, NULL, NULL, 0);
	} else {
		rest_reply_not_found(req);
	}
	json_decref(object);
}

/* The one end-point. --------------------------------------------------------*/

struct call {
	const char *method, *fid, *fep, *code, *language;
	size_t fid_len, code_len;
	uint64_t mem;
	json_t *args;
};

/* The function's argument as JSON text. The paper passes it as a string that
 * holds JSON; an object or any other value is taken as it stands. */
static char *args_text(const struct call *c)
{
	if (!c->args)
		return strdup("null");
	if (json_is_string(c->args))
		return strdup(json_string_value(c->args));
	return json_dumps(c->args, JSON_COMPACT | JSON_ENCODE_ANY);
}

static void call_invoke(struct control_req *req, const struct call *c)
{
	struct exchange *x = rest_exchange(req);
	char *args;

	x->inv.timeout_ns = 0;
	if (!take_id(x, (struct slice){c->fid, c->fid_len})) {
		rest_reply_not_found(req);
		return;
	}
	args = args_text(c);
	if (args && strlen(args) > x->server->opt.max_request) {
		free(args);
		rest_reply_problem(req, PROBLEM_REQUEST_TOO_LARGE,
			"\"args\" is over limits.request_bytes");
	} else if (args) {
		control_reply(req, EXCHANGE_INVOKE, NULL, args, strlen(args));
	} else {
		rest_reply_problem(
			req, PROBLEM_DAEMON_INTERNAL, "out of memory");
	}
}

static void call_register(struct control_req *req, const struct call *c)
{
	struct paper_wish w = {
		.fid = {c->fid, c->fid_len},
		.language = c->language,
		.entry = c->fep,
		.memory_bytes = c->mem,
	};

	if (c->code)
		paper_register(req, &w, c->code, c->code_len);
	else
		reply_false(req, PROBLEM_REQUEST_INVALID,
			"\"code\" is missing: the code, in Base64");
}

static void call_deregister(struct control_req *req, const struct call *c)
{
	if (deregister(rest_exchange(req), (struct slice){c->fid, c->fid_len}))
		reply_bool(req, true);
	else
		reply_false(
			req, PROBLEM_FUNCTION_NOT_FOUND, "no such function");
}

static void reply_denied(struct control_req *req)
{
	rest_reply_problem(req, PROBLEM_AUTH_DENIED,
		"over TCP functions are changed only with the admin token; "
		"use the Unix socket");
}

static void call_run(struct control_req *req, const struct call *c)
{
	struct exchange *x = rest_exchange(req);
	bool invoke = strcmp(c->method, "invoke") == 0;

	if (invoke)
		call_invoke(req, c);
	else if (!x->admin)
		reply_denied(req);
	else if (strcmp(c->method, "register") == 0)
		call_register(req, c);
	else
		call_deregister(req, c);
}

static bool method_known(const char *method, struct buf *err)
{
	if (method && (strcmp(method, "register") == 0 ||
			      strcmp(method, "invoke") == 0 ||
			      strcmp(method, "deregister") == 0))
		return true;
	if (method) {
		buf_add_lit(err, "there is no method \"");
		escape_json(
			err, method, escape_prefix(method, strlen(method), 64));
		buf_add_lit(err, "\"");
	} else {
		buf_add_lit(err, "\"method\" is missing");
	}
	buf_add_lit(err, "; there are register, invoke and deregister");
	return false;
}

static bool call_read(json_t *object, struct call *c, struct buf *err)
{
	struct rest_field f[] = {
		{"method", .text = &c->method},
		{"fid", .text = &c->fid, .text_len = &c->fid_len},
		{"fep", .text = &c->fep},
		{"code", .text = &c->code, .text_len = &c->code_len},
		{"language", .text = &c->language},
		{"mem", .number = &c->mem, .min = 1, .max = INT64_MAX},
		{"args", .any = &c->args},
	};

	if (!rest_read_fields(object, f, sizeof(f) / sizeof(f[0]), err))
		return false;
	if (!method_known(c->method, err))
		return false;
	if (c->fid)
		return true;
	buf_add_lit(err, "\"fid\" is missing: the name of the function");
	return false;
}

void rest_paper(struct control_req *req)
{
	char err_mem[ERR_MAX];
	struct call c = {0};
	struct buf err;
	json_t *object;

	if (!rest_no_query(req))
		return;
	buf_init(&err, err_mem, sizeof(err_mem));
	object = rest_read_object(rest_exchange(req), &err);
	if (!object)
		rest_reply_error(req, PROBLEM_REQUEST_BAD_JSON, &err);
	else if (!call_read(object, &c, &err))
		rest_reply_error(req, PROBLEM_REQUEST_INVALID, &err);
	else
		call_run(req, &c);
	json_decref(object);
}
