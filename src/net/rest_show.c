/*
 * Functions as JSON: see rest_show.h. Nothing here needs an escape: names have
 * been checked, all else is the runtime's own.
 */
#include "net/rest_show.h"

#include "net/rest_json.h"
#include "util/clock.h"
#include "util/gbuf.h"

static void show_text(struct buf *b, const char *key, const char *value)
{
	buf_add_lit(b, ",\"");
	buf_add_str(b, key);
	buf_add_lit(b, "\":\"");
	buf_add_str(b, value);
	buf_add_char(b, '"');
}

static void show_number(struct buf *b, const char *key, int64_t value)
{
	buf_add_lit(b, ",\"");
	buf_add_str(b, key);
	buf_add_lit(b, "\":");
	buf_add_i64(b, value);
}

static uint64_t load(_Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

/* Milliseconds to the nanosecond. */
static void show_mean(struct buf *b, struct function_stats *st, uint64_t calls)
{
	uint64_t ns = calls ? load(&st->run_ns) / calls : 0;

	buf_add_lit(b, ",\"mean_run_ms\":");
	buf_add_u64(b, ns / CLOCK_MS);
	buf_add_char(b, '.');
	buf_add_pad(b, ns % CLOCK_MS, 6);
}

static void show_state(struct buf *b, struct function_stats *st)
{
	uint64_t calls = load(&st->calls);

	buf_add_lit(b, ",\"isolates\":{\"idle\":");
	buf_add_u64(b, atomic_load_explicit(&st->idle, memory_order_relaxed));
	show_number(b, "busy",
		atomic_load_explicit(&st->busy, memory_order_relaxed));
	buf_add_lit(b, "},\"stats\":{\"calls\":");
	buf_add_u64(b, calls);
	show_number(b, "errors", (int64_t)load(&st->errors));
	show_number(b, "cold_starts", (int64_t)load(&st->cold_starts));
	show_mean(b, st, calls);
	buf_add_char(b, '}');
}

static void show_tenant(struct buf *b, const struct tenant *t)
{
	buf_add_lit(b, ",\"tenant_limits\":{\"concurrency\":");
	buf_add_u64(b, t->concurrency.max);
	show_number(b, "memory_mb", (int64_t)(t->memory.max >> 20));
	show_number(b, "cpu_percent", t->share.percent);
	buf_add_lit(b, ",\"rate\":\"");
	if (t->rate.calls) {
		buf_add_u64(b, t->rate.calls);
		buf_add_char(b, '/');
		buf_add_char(b, rate_unit(&t->rate));
	}
	buf_add_lit(b, "\"}");
}

void rest_show_function(struct buf *b, struct function *fn)
{
	const struct function_options *o = &fn->opt;
	char created[32];

	rest_time(fn->created, created);
	buf_add_lit(b, "{\"tenant\":\"");
	buf_add_str(b, o->tenant);
	buf_add_char(b, '"');
	show_text(b, "name", o->name);
	show_number(b, "version", (int64_t)fn->version);
	show_text(b, "digest", fn->digest);
	show_text(b, "language", o->engine->name);
	show_text(b, "entry", o->entry);
	show_number(b, "code_bytes", (int64_t)fn->code_len);
	show_number(b, "memory_mb", (int64_t)(o->memory_bytes >> 20));
	show_number(b, "timeout_ms", (int64_t)(o->timeout_ns / CLOCK_MS));
	show_number(b, "idle_ttl_ms",
		o->idle_ttl_ns < 0 ? -1 : o->idle_ttl_ns / (int64_t)CLOCK_MS);
	show_number(b, "cpu_ms", (int64_t)(o->cpu_ns / CLOCK_MS));
	show_number(b, "max_concurrency", o->max_concurrency);
	show_number(b, "max_rate", o->max_rate);
	show_number(b, "contexts", o->contexts);
	show_text(b, "created", created);
	if (o->owner)
		show_tenant(b, o->owner);
	show_state(b, &fn->stats);
}

void rest_reply_buf(struct control_req *req, int status, struct buf *b)
{
	size_t len;
	char *text = gbuf_steal(b, &len);

	if (text)
		control_reply(req, status, "application/json", text, len);
	else
		rest_reply_problem(
			req, PROBLEM_DAEMON_INTERNAL, "out of memory");
}
