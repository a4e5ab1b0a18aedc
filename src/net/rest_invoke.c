/*
 * POST /v1/functions/{tenant}/{name}/invoke: the data path. Runs on the worker
 * from the first byte to the last; the body is hostile and goes to the function
 * as it is.
 */
#include <string.h>

#include "core/runtime.h"
#include "net/exchange.h"
#include "net/hub.h"
#include "net/outcomes.h"
#include "net/routes.h"
#include "util/clock.h"
#include "util/metrics.h"

/* Milliseconds with three decimals, from nanoseconds. */
static void add_ms(struct buf *b, uint64_t from, uint64_t to)
{
	uint64_t us = to > from ? (to - from) / 1000 : 0;

	buf_add_u64(b, us / 1000);
	buf_add_char(b, '.');
	buf_add_pad(b, us % 1000, 3);
}

/* run_begin_ns is 0 where the isolate was never entered. */
static void add_timing(
	struct buf *b, uint64_t arrived, const struct invocation *inv)
{
	uint64_t entered = inv->run_begin_ns ? inv->run_begin_ns : inv->end_ns;

	buf_add_lit(b, "Server-Timing: queue;dur=");
	add_ms(b, arrived, inv->begin_ns);
	buf_add_lit(b, ", start;dur=");
	add_ms(b, inv->begin_ns, entered);
	buf_add_lit(b, ", run;dur=");
	add_ms(b, entered, inv->end_ns);
	buf_add_lit(b, "\r\n");
}

static void add_headers(struct exchange *x)
{
	const struct invocation *inv = &x->inv;
	struct buf *b = &x->extra;

	buf_add_lit(b, "Gvisor-Invocation-Id: ");
	buf_add_str(b, inv->id);
	if (inv->cold)
		buf_add_lit(b, "\r\nGvisor-Start: cold\r\nGvisor-Version: ");
	else
		buf_add_lit(b, "\r\nGvisor-Start: warm\r\nGvisor-Version: ");
	buf_add_u64(b, inv->fn->version);
	buf_add_lit(b, "\r\n");
	add_timing(b, x->arrived_ns, inv);
}

enum {
	PEAK_DETAIL_MAX = 512 /* longer messages go without */
};

/* What the function said, and how much it had. */
static void add_peak(struct buf *b, const struct invocation *inv,
	const struct problem_info *info)
{
	buf_add(b, info->detail, info->detail_len);
	buf_add_lit(b, "; its heap's peak was ");
	buf_add_u64(b, inv->heap_peak >> 10);
	buf_add_lit(b, " KiB, the limit is ");
	buf_add_u64(b, inv->fn->opt.memory_bytes >> 20);
	buf_add_lit(b, " MiB with code and stack");
}

static void fail(struct exchange *x, struct function *fn)
{
	struct invocation *inv = &x->inv;
	const struct ending end = ending_of_call(inv);
	struct outcome_room room;
	struct problem_info info = outcome_info(x->server->rt, fn, &end, &room);
	char detail[PROBLEM_DETAIL_MAX];
	struct buf b;

	info.detail = inv->reply_len ? inv->reply.ptr + INVOKE_HEADROOM : NULL;
	info.detail_len = inv->reply_len;
	info.invocation = inv->id;
	info.function = fn->id;
	buf_init(&b, detail, sizeof(detail));
	if (inv->heap_peak && inv->reply_len < PEAK_DETAIL_MAX) {
		add_peak(&b, inv, &info);
		info.detail = b.ptr;
		info.detail_len = b.len;
	}
	exchange_reply_problem(x, &info);
	bufpool_put(&x->worker->pool, inv->reply);
}

static void invoked(struct invocation *inv)
{
	static const char *const media_types[] = {
		[INSIDE_REPLY_JSON] = "application/json",
		[INSIDE_REPLY_TEXT] = "text/plain; charset=utf-8",
		[INSIDE_REPLY_BYTES] = "application/octet-stream",
	};
	struct exchange *x = container_of(inv, struct exchange, inv);
	struct function *fn = inv->fn;
	struct hub *hub = x->worker->net;

	hub_count(&hub->invocations[inv->outcome][inv->cold]);
	metrics_observe(x->worker->metrics, METRIC_INVOCATION_SECONDS, 0,
		inv->end_ns - inv->begin_ns);
	add_headers(x);
	if (inv->outcome == OUTCOME_OK)
		exchange_reply_block(x, 200, media_types[inv->kind], inv->reply,
			inv->reply_len);
	else
		fail(x, fn);
	function_put(fn);
}

static bool take_timeout(struct exchange *x)
{
	struct slice s = http_get(x->req, HTTP_GVISOR_TIMEOUT);
	uint64_t ms;

	if (!s.ptr)
		return true;
	if (!str_parse_u64(s, 1, x->server->opt.max_timeout_ns / CLOCK_MS, &ms))
		return false;
	x->inv.timeout_ns = ms * CLOCK_MS;
	return true;
}

static void echo_trace(struct exchange *x)
{
	struct slice s = http_get(x->req, HTTP_TRACEPARENT);

	if (s.len == 0 || s.len > 64)
		return;
	buf_add_lit(&x->extra, "traceparent: ");
	buf_add(&x->extra, s.ptr, s.len);
	buf_add_lit(&x->extra, "\r\n");
}

void rest_invoke_id(struct exchange *x, const void *body, size_t len)
{
	struct function *fn =
		registry_find(x->server->rt->registry, x->id, x->id_len);

	if (!fn) {
		exchange_reply_not_found(x);
		return;
	}
	function_get(fn);
	x->ran = fn;
	x->inv = (struct invocation){
		.fn = fn,
		.req = body,
		.req_len = len,
		.timeout_ns = x->inv.timeout_ns,
		.done = invoked,
	};
	invoke_start(x->worker, &x->inv);
}

void rest_invoke(struct exchange *x)
{
	x->inv.timeout_ns = 0;
	if (x->query.len) {
		exchange_reply_text(x, PROBLEM_REQUEST_INVALID,
			"an invocation takes no query parameters");
	} else if (!take_timeout(x)) {
		exchange_reply_text(x, PROBLEM_REQUEST_INVALID,
			"Gvisor-Timeout must be a number of milliseconds "
			"within limits.timeout_ms");
	} else {
		echo_trace(x);
		rest_invoke_id(x, x->body, x->body_len);
	}
}
