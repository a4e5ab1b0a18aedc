/*
 * Native code inside the isolate: the story of one isolate from its first entry
 * to its last. Runs in U on the isolate's stack; its heap is the isolate's.
 * Nothing here protects anybody from the function, that is the domain's task;
 * it only makes every mishap of an honest one end in a typed failure.
 *
 *   native_in_main   start, then for ever: do what in->op asks, leave
 *   load             the constructors
 *   invoke           call the handler, look at its reply
 *   gv_*             what function.h promises
 *
 * The function's image is in its place before the first entry, with its
 * relocations done: loading is a matter of constructors.
 */
#include "engine/native_in.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "engine/json_check_in.h"
#include "engine/libc_in.h"
#include "gvisor/function.h"

__thread struct native_in *native_now;

/* Leaving ------------------------------------------------------------------*/

static void leave(struct native_in *me, enum inside_call how,
	const uint64_t args[GATE_ARGS])
{
	struct heap_in_stats s;

	heap_in_stats(me->heap, &s);
	me->in->heap_used = s.used;
	me->in->heap_peak = s.peak;
	(void)gate_hostcall(how, args[0], args[1], args[2], args[3]);
}

static void leave_fail(
	struct native_in *me, enum inside_fail why, const char *s, size_t len)
{
	const uint64_t args[GATE_ARGS] = {why, (uintptr_t)s,
		len < NATIVE_IN_MESSAGE_MAX ? len : NATIVE_IN_MESSAGE_MAX};

	leave(me, INSIDE_FAIL, args);
}

/* Text of the program lies outside what an isolate may hand out: copied. */
static void leave_fail_text(
	struct native_in *me, enum inside_fail why, const char *s)
{
	size_t len = strlen(s);

	CHECK_IN(len < sizeof(me->text));
	memmove(me->text, s, len);
	leave_fail(me, why, me->text, len);
}

void native_in_end_with(
	enum inside_fail why, const char *text, size_t len, const void *caller)
{
	const uint64_t args[GATE_ARGS] = {why, (uintptr_t)text,
		len < NATIVE_IN_MESSAGE_MAX ? len : NATIVE_IN_MESSAGE_MAX,
		(uintptr_t)caller};

	leave(native_now, INSIDE_FAIL, args);
	__builtin_trap();
}

void native_in_end(enum inside_fail why, const char *text, const void *caller)
{
	struct native_in *me = native_now;
	size_t len = strnlen(text, sizeof(me->text) - 1);

	memmove(me->text, text, len);
	native_in_end_with(why, me->text, len, caller);
}

void native_in_expect(const void *p, const char *text, const void *caller)
{
	if (__builtin_expect(!heap_in_live(native_now->heap, p), 0))
		native_in_end(INSIDE_FAIL_DIED, text, caller);
}

/* Loading ------------------------------------------------------------------*/

static void construct(uint64_t address)
{
	/* What linkers leave where a list begins or ends. */
	if (address == 0 || address == UINT64_MAX)
		return;
	((void (*)(void))address)();
}

static void load(struct native_in *me)
{
	const struct inside *in = me->in;
	const uint64_t *inits = (const uint64_t *)in->inits;

	construct(in->init);
	for (uint64_t i = 0; i < in->n_inits; i++)
		construct(inits[i]);
	me->loaded = true;
}

/* Invoking -----------------------------------------------------------------*/

static struct gv_request request_of(const struct inside *in)
{
	char *body = (char *)in->req;

	/* One byte behind a request is the isolate's to write. */
	body[in->req_len] = '\0';
	return (struct gv_request){
		.size = sizeof(struct gv_request),
		.body = body,
		.body_len = in->req_len,
		.id = in->invocation,
		.tenant = in->tenant,
		.function = in->function,
		.version = in->version,
		.timeout_ns = in->timeout_ns,
		.memory_limit = in->memory_limit,
	};
}

/* What the runtime may take from it. It is the one who sees to that; this makes
 * a mistake of a function's own an error with a name. */
static bool in_isolate(const struct inside *in, const void *p, size_t len)
{
	uint64_t from = in->stack, to = in->heap + in->heap_len;
	uint64_t at = (uintptr_t)p;

	return at >= from && at <= to && len <= to - at;
}

/* What is wrong with a reply that has no value of its own; NULL: nothing. */
static const char *reply_fault(
	const struct inside *in, const struct gv_response *res)
{
	if (res->kind > GV_BYTES)
		return "the reply is of no known kind: GV_JSON, GV_TEXT, "
		       "GV_BYTES";
	if (res->flags & ~GV_FREE)
		return "the reply has flags that nobody knows";
	if (!res->body && res->body_len > 0)
		return "the reply has a length, but no body";
	if (res->body_len > 0 && !in_isolate(in, res->body, res->body_len))
		return "the reply's body is not in the function's memory: what "
		       "the runtime owns has to be copied";
	return NULL;
}

static void leave_no_json(
	struct native_in *me, const struct json_check_in_fault *fault)
{
	char text[NATIVE_IN_TEXT_MAX];

	if (fault->deep)
		(void)snprintf(text, sizeof(text),
			"the reply is JSON nested deeper than %d, from byte "
			"%zu on",
			JSON_CHECK_IN_DEPTH, fault->at);
	else
		(void)snprintf(text, sizeof(text),
			"the reply is not JSON, from byte %zu on; for other "
			"text there is GV_TEXT",
			fault->at);
	leave_fail_text(me, INSIDE_FAIL_RESPONSE, text);
}

static void leave_no_text(struct native_in *me, size_t at)
{
	char text[NATIVE_IN_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		"the reply is not text in UTF-8, from byte %zu on", at);
	leave_fail_text(me, INSIDE_FAIL_RESPONSE, text);
}

static void leave_reply(struct native_in *me, const struct gv_response *res)
{
	static const char null[] = "null";
	uint64_t args[GATE_ARGS] = {
		(uintptr_t)res->body, res->body_len, INSIDE_REPLY_JSON};
	struct json_check_in_fault fault;
	size_t at;

	if (res->kind == GV_TEXT) {
		args[2] = INSIDE_REPLY_TEXT;
		if (!utf8_check_in(res->body, res->body_len, &at)) {
			leave_no_text(me, at);
			return;
		}
	} else if (res->kind == GV_BYTES) {
		args[2] = INSIDE_REPLY_BYTES;
	} else if (!res->body) {
		memcpy(me->text, null, sizeof(null));
		args[0] = (uintptr_t)me->text;
		args[1] = sizeof(null) - 1;
	} else if (!json_check_in(res->body, res->body_len, &fault)) {
		leave_no_json(me, &fault);
		return;
	}
	if (args[1] == 0)
		args[0] = (uintptr_t)me->text;
	leave(me, INSIDE_REPLY, args);
}

static void leave_error(
	struct native_in *me, const struct gv_response *res, int result)
{
	if (res->body && res->body_len > 0) {
		leave_fail(me, INSIDE_FAIL_ERROR, res->body, res->body_len);
		return;
	}
	(void)snprintf(
		me->text, sizeof(me->text), "the handler returned %d", result);
	leave_fail(me, INSIDE_FAIL_ERROR, me->text, strlen(me->text));
}

static void invoke(struct native_in *me)
{
	const struct gv_request req = request_of(me->in);
	struct gv_response res = {.size = sizeof(res)};
	gv_handler *call = (gv_handler *)me->in->handler;
	int result = call(&req, &res);
	const char *fault = reply_fault(me->in, &res);

	if (!fault && (res.flags & GV_FREE) && res.body) {
		/* Here and now, so that it is this call's error. */
		native_in_expect(res.body,
			"GV_FREE: the body is not a block of the heap, or "
			"freed before",
			(const char *)call + 1);
		me->reply = (void *)(uintptr_t)res.body;
	}
	if (fault)
		leave_fail_text(me, INSIDE_FAIL_RESPONSE, fault);
	else if (result)
		leave_error(me, &res, result);
	else
		leave_reply(me, &res);
}

/* Entries ------------------------------------------------------------------*/

static void drop_buffer(struct native_in *me)
{
	heap_in_free(me->heap, me->buffer);
	me->buffer = NULL;
}

/* What the entry before left for the runtime to read is not needed any more. */
static void forget_reply(struct native_in *me)
{
	heap_in_free(me->heap, me->reply);
	me->reply = NULL;
}

static void entry_load(struct native_in *me)
{
	static const uint64_t none[GATE_ARGS];

	if (!me->loaded)
		load(me);
	leave(me, INSIDE_READY, none);
}

static void entry_invoke(struct native_in *me)
{
	/* A request that came by the window leaves an older buffer unused. */
	if ((uintptr_t)me->buffer != me->in->req)
		drop_buffer(me);
	if (!me->loaded)
		load(me);
	invoke(me);
}

static void entry_alloc(struct native_in *me)
{
	uint64_t args[GATE_ARGS] = {0};

	drop_buffer(me);
	me->buffer = heap_in_alloc(me->heap, me->in->want + 1);
	args[0] = (uintptr_t)me->buffer;
	leave(me, INSIDE_BUFFER, args);
}

void native_in_main(struct inside *in)
{
	struct native_in me = {.in = in};

	random_in_init(&me.random, in->seed);
	memset(in->seed, 0, sizeof(in->seed));
	libc_in_start(random_in_u64(&me.random));
	me.heap = heap_in_init((void *)in->heap, in->heap_len);
	CHECK_IN(me.heap);
	me.rand = 1;
	for (;;) {
		native_now = &me;
		forget_reply(&me);
		switch (in->op) {
		case INSIDE_LOAD:
			entry_load(&me);
			break;
		case INSIDE_INVOKE:
			entry_invoke(&me);
			break;
		case INSIDE_ALLOC:
			entry_alloc(&me);
			break;
		default:
			__builtin_trap();
		}
	}
}

/* function.h ---------------------------------------------------------------*/

void gv_log(enum gv_log_level level, const char *text, size_t len)
{
	(void)gate_hostcall(
		INSIDE_LOG, (uint64_t)level, (uintptr_t)text, len, 0);
}

uint64_t gv_time(enum gv_clock clock)
{
	return gate_hostcall(INSIDE_TIME,
		clock == GV_CLOCK_REAL ? INSIDE_CLOCK_REAL : INSIDE_CLOCK_MONO,
		0, 0, 0);
}

void gv_random(void *buf, size_t len)
{
	random_in_bytes(&native_now->random, buf, len);
}

void gv_fail(const char *message)
{
	enum inside_fail why =
		native_now->loaded ? INSIDE_FAIL_GIVEN_UP : INSIDE_FAIL_LOAD;

	if (!message)
		message = "the function gave up";
	/* Long ones are the function's own; short ones may be anybody's. */
	if (strnlen(message, NATIVE_IN_TEXT_MAX) < NATIVE_IN_TEXT_MAX)
		native_in_end(why, message, __builtin_return_address(0));
	native_in_end_with(why, message,
		strnlen(message, NATIVE_IN_MESSAGE_MAX),
		__builtin_return_address(0));
}
