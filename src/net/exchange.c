/*
 * Requests to handlers, replies to connections (worker, trusted side; requests
 * are hostile): who may do what, where it runs, how its answer comes back.
 */
#include "net/exchange.h"

#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "core/worker.h"
#include "net/hub.h"
#include "net/routes.h"
#include "net/server.h"
#include "util/metrics.h"

enum {
	PROBLEM_SMALL = 2048 - INVOKE_HEADROOM
};

/* Replies. ------------------------------------------------------------------*/

void exchange_reply_block(struct exchange *x, int status,
	const char *media_type, struct bufpool_block block, size_t len)
{
	x->status = status;
	x->media_type = media_type;
	x->reply = block;
	x->reply_len = len;
	/* A reply without bytes has no block, and needs one for its header. */
	if (!x->reply.ptr)
		x->reply = bufpool_get(&x->worker->pool, INVOKE_HEADROOM);
	x->replied(x);
}

void exchange_reply_bytes(struct exchange *x, int status,
	const char *media_type, const void *body, size_t len)
{
	struct bufpool_block b =
		bufpool_get(&x->worker->pool, INVOKE_HEADROOM + len);

	if (b.ptr && len)
		memcpy(b.ptr + INVOKE_HEADROOM, body, len);
	exchange_reply_block(
		x, b.ptr ? status : 503, media_type, b, b.ptr ? len : 0);
}

void exchange_reply_problem(struct exchange *x, const struct problem_info *info)
{
	size_t size = PROBLEM_SMALL;
	struct bufpool_block block;
	struct buf b;

	for (;; size = PROBLEM_BODY_MAX) {
		block = bufpool_get(&x->worker->pool, INVOKE_HEADROOM + size);
		if (!block.ptr)
			break;
		buf_init(&b, block.ptr + INVOKE_HEADROOM, size);
		problem_body(&b, info);
		if (buf_ok(&b) || size == PROBLEM_BODY_MAX)
			break;
		bufpool_put(&x->worker->pool, block);
	}
	problem_retry(&x->extra, info);
	exchange_reply_block(x,
		info->status ? info->status : problem_status(info->problem),
		PROBLEM_MEDIA_TYPE, block, block.ptr ? b.len : 0);
}

void exchange_reply_text(struct exchange *x, enum problem p, const char *detail)
{
	exchange_reply_problem(
		x, &(struct problem_info){.problem = p,
			   .detail = detail,
			   .detail_len = detail ? strlen(detail) : 0});
}

void exchange_say_not_found(const struct exchange *x, struct buf *b)
{
	if (x->id_len) {
		buf_add_lit(b, "there is no function \"");
		buf_add_str(b, x->id);
		buf_add_char(b, '"');
	} else {
		buf_add_lit(b, "names of tenants and functions are 1 to 63 of "
			       "a-z 0-9 . _ - and begin with a letter or "
			       "digit");
	}
}

void exchange_reply_not_found(struct exchange *x)
{
	char text[FUNCTION_ID_MAX + 128];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	exchange_say_not_found(x, &b);
	exchange_reply_problem(x, &(struct problem_info){
					  .problem = PROBLEM_FUNCTION_NOT_FOUND,
					  .detail = b.ptr,
					  .detail_len = b.len,
					  .function = x->id_len ? x->id : NULL,
				  });
}

void exchange_reply_too_large(struct exchange *x)
{
	char text[96];
	struct buf b;

	buf_init(&b, text, sizeof(text));
	buf_add_lit(&b, "a body may have at most ");
	buf_add_u64(&b, exchange_body_max(x));
	buf_add_lit(&b, " bytes here");
	exchange_reply_problem(
		x, &(struct problem_info){.problem = PROBLEM_REQUEST_TOO_LARGE,
			   .detail = b.ptr,
			   .detail_len = b.len});
}

static void reply_no_method(struct exchange *x, const struct buf *allow)
{
	char text[96];
	struct buf b;

	buf_add_lit(&x->extra, "Allow: ");
	buf_add(&x->extra, allow->ptr, allow->len);
	buf_add_lit(&x->extra, "\r\n");
	buf_init(&b, text, sizeof(text));
	buf_add_lit(&b, "this path takes ");
	buf_add(&b, allow->ptr, allow->len);
	exchange_reply_problem(
		x, &(struct problem_info){.problem = PROBLEM_REQUEST_METHOD,
			   .detail = b.ptr,
			   .detail_len = b.len});
}

bool exchange_no_query(struct exchange *x)
{
	if (x->query.len == 0)
		return true;
	exchange_reply_text(x, PROBLEM_REQUEST_INVALID, EXCHANGE_NO_QUERY);
	return false;
}

/* Who may. ------------------------------------------------------------------*/

/* Takes the same time wherever the two differ. */
static bool token_is(struct slice given, const char *token)
{
	size_t len = strlen(token);
	volatile unsigned char diff = given.len != len;

	for (size_t i = 0; i < given.len; i++)
		diff |= (unsigned char)(given.ptr[i] ^ token[i % (len + 1)]);
	return diff == 0;
}

static bool may_administer(struct exchange *x)
{
	static const char scheme[] = "Bearer ";
	const char *token = x->server->opt.admin_token;
	struct slice auth = http_get(x->req, HTTP_AUTHORIZATION);
	size_t n = sizeof(scheme) - 1;

	if (x->admin)
		return true;
	if (!token || auth.len <= n ||
		!slice_is_nocase((struct slice){auth.ptr, n}, scheme))
		return false;
	return token_is((struct slice){auth.ptr + n, auth.len - n}, token);
}

void exchange_reply_denied(struct exchange *x)
{
	if (!x->server->opt.admin_token) {
		exchange_reply_text(x, PROBLEM_AUTH_DENIED,
			"over TCP functions are changed only where an admin "
			"token is configured; use the Unix socket");
		return;
	}
	if (http_get(x->req, HTTP_AUTHORIZATION).ptr) {
		exchange_reply_text(
			x, PROBLEM_AUTH_DENIED, "this is not the admin token");
		return;
	}
	buf_add_lit(&x->extra, "WWW-Authenticate: Bearer\r\n");
	exchange_reply_text(
		x, PROBLEM_AUTH_REQUIRED, "the admin token is needed");
}

/* Where to. -----------------------------------------------------------------*/

static void take_id(struct exchange *x)
{
	size_t t = x->param[0].len, n = x->param[1].len;

	if (!str_is_name(x->param[0]) || !str_is_name(x->param[1]))
		return;
	memcpy(x->id, x->param[0].ptr, t);
	x->id[t] = '/';
	memcpy(x->id + t + 1, x->param[1].ptr, n);
	x->id_len = t + 1 + n;
	x->id[x->id_len] = '\0';
}

bool exchange_route(struct exchange *x)
{
	char allow_mem[64];
	struct buf allow;
	int r;

	buf_init(&allow, allow_mem, sizeof(allow_mem));
	x->query = http_query(x->req);
	x->param[0].len = x->param[1].len = 0;
	r = routes_find(http_method_text(x->req), http_path(x->req), &x->route,
		x->param, &allow);
	if (r == 0) {
		x->id[0] = '\0';
		if (x->param[1].len)
			take_id(x);
		x->admin = may_administer(x);
		if (x->admin || !(x->route->flags & ROUTE_ADMIN))
			return true;
		exchange_reply_denied(x);
	} else if (r == ROUTES_E_METHOD) {
		reply_no_method(x, &allow);
	} else {
		exchange_reply_text(x, PROBLEM_REQUEST_NOT_FOUND,
			"no route has this path; the API's begin with /v1/");
	}
	return false;
}

size_t exchange_body_max(const struct exchange *x)
{
	return x->route->flags & ROUTE_CODE ? x->server->opt.max_code
					    : x->server->opt.max_request;
}

/* The control thread has answered. */
static void controlled(struct control_req *req)
{
	struct exchange *x = container_of(req, struct exchange, control);

	if (req->status == EXCHANGE_INVOKE) {
		/* The body is the argument: held until it has been used. */
		x->control_held = true;
		rest_invoke_id(x, req->body, req->body_len);
		return;
	}
	if (req->location[0]) {
		buf_add_lit(&x->extra, "Location: ");
		buf_add_str(&x->extra, req->location);
		buf_add_lit(&x->extra, "\r\n");
	}
	x->control_held = true;
	exchange_reply_bytes(
		x, req->status, req->media_type, req->body, req->body_len);
}

void exchange_run(struct exchange *x)
{
	struct slice body = http_body(x->req);

	x->body = body.ptr;
	x->body_len = body.len;
	x->running = true;
	x->arrived_ns = ((struct hub *)x->worker->net)->turn_ns;
	metrics_add(x->worker->metrics, METRIC_HTTP_IN_FLIGHT, 0, 1);
	if (x->route->worker) {
		x->route->worker(x);
		return;
	}
	x->control = (struct control_req){
		.worker = x->worker,
		.handle = x->route->control,
		.done = controlled,
		.request = x,
	};
	control_submit(x->worker, &x->control);
}

void exchange_end(struct exchange *x)
{
	if (x->running)
		metrics_add(x->worker->metrics, METRIC_HTTP_IN_FLIGHT, 0, -1);
	x->running = false;
	if (x->control_held)
		control_release(&x->control);
	x->control_held = false;
}
