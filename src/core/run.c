/*
 * The conversation with one isolate (protocol: engine/inside.h). Trusted side;
 * every number and address that comes out of the isolate is copied once, then
 * checked against the isolate's own range, then used.
 */
#include "core/run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "core/keeper.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "engine/program.h"
#include "pkey/fault.h"
#include "pkey/gate_asm.h"
#include "util/clock.h"
#include "util/log.h"

enum {
	MESSAGE_MAX = 16 << 10, /* of an error: message and traceback */
	PLACE_MAX = 128,	/* " at name+0x12" */
	DIED_MAX = 512,
	LOG_LINE_BYTES = 1024,
	LOG_LINE_COST = 128, /* what a line takes besides its text */
};

/* How an entry ended. */
enum entry_end {
	ENTRY_CALL,    /* by a hostcall that ends it */
	ENTRY_FAULT,   /* the isolate was aborted */
	ENTRY_STOPPED, /* over its time, noticed between two hostcalls */
	ENTRY_BROKEN,  /* it did not keep to the protocol */
};

/* What is read back after an entry: the head of struct inside. */
struct entry {
	struct gate_ctl gate;
	uint64_t heap_used;
	uint64_t heap_peak;
	uint64_t contexts_ready;
};

/* What is written before one: op ... invocation. */
struct operands {
	uint32_t op;
	uint32_t pad;
	uint64_t want;
	uint64_t req;
	uint64_t req_len;
	uint64_t timeout_ns;
	uint64_t entered_ns;
	char invocation[INSIDE_ID_MAX];
};
_Static_assert(sizeof(struct operands) ==
		       sizeof(struct inside) - offsetof(struct inside, op),
	"same layout");
_Static_assert(offsetof(struct inside, contexts_ready) ==
		       offsetof(struct entry, contexts_ready),
	"same layout");

/* Runs: the keeper's view. ------------------------------------------------- */

void run_begin(struct worker *w, uint64_t deadline, uint64_t cpu_ns)
{
	struct worker_core *core = w->core;
	uint64_t look = deadline;

	core->gate->stop = 0;
	atomic_store_explicit(&core->cpu_ns, cpu_ns, memory_order_relaxed);
	if (cpu_ns) {
		/* A system call, for those alone that asked for it. */
		atomic_store_explicit(
			&core->cpu_begin, clock_thread(), memory_order_relaxed);
		atomic_store_explicit(&core->cpu_look, clock_now() + cpu_ns,
			memory_order_relaxed);
		if (core->cpu_look < look)
			look = core->cpu_look;
	}
	atomic_store(&core->deadline, deadline);
	atomic_store(&core->run, ++core->runs * RUN_STEP);
	keeper_watch(w->rt->keeper, look);
}

void run_end(struct worker *w, bool stopped)
{
	struct worker_core *core = w->core;
	uint64_t run = core->runs * RUN_STEP;

	if (atomic_compare_exchange_strong(&core->run, &run, 0))
		return;
	/* The keeper has sent, or is about to send, this run's signal. Let it
	 * come in now: it must not find the next run. */
	while (!stopped && !core->gate->stop)
		__builtin_ia32_pause();
	atomic_store(&core->run, 0);
}

/* Messages. ---------------------------------------------------------------- */

void run_message(struct invocation *inv, const char *text, size_t len)
{
	struct bufpool *pool = &inv->worker->pool;

	bufpool_put(pool, inv->reply);
	inv->reply = bufpool_get(pool, INVOKE_HEADROOM + len);
	inv->reply_len = 0;
	if (!inv->reply.ptr)
		return;
	memcpy(inv->reply.ptr + INVOKE_HEADROOM, text, len);
	inv->reply_len = len;
}

void run_message_text(struct invocation *inv, const char *text)
{
	run_message(inv, text, strlen(text));
}

/* Entries. ----------------------------------------------------------------- */

static uint64_t inside_at(const struct isolate *iso, size_t offset)
{
	return iso->ctl + offset;
}

/* False: the invocation has used up its log. Says so once. */
static bool log_allowance(struct worker *w, struct invocation *inv, size_t len)
{
	bool over = inv->logged > w->rt->opt.max_log;

	inv->logged += len;
	if (inv->logged <= w->rt->opt.max_log)
		return true;
	metrics_inc(w->metrics, METRIC_LOG_DROPPED_LINES, 0);
	metrics_add(w->metrics, METRIC_LOG_DROPPED_BYTES, 0, (int64_t)len);
	if (!over)
		log_info("function log cut off", LOG_STR("fn", inv->fn->id),
			LOG_STR("inv", inv->id),
			LOG_U64("limit", w->rt->opt.max_log));
	return false;
}

static void hostcall_log(
	struct worker *w, struct invocation *inv, const struct gate_ctl *call)
{
	struct isolate *iso = inv->isolate;
	uint64_t len = call->args[2];
	char line[LOG_LINE_BYTES];
	bool cut = len > sizeof(line);

	if (cut)
		len = sizeof(line);
	if (!isolate_contains(iso, call->args[1], len) ||
		!log_allowance(w, inv, len + LOG_LINE_COST))
		return;
	worker_copy_out(w, iso, line, call->args[1], len);
	log_at(call->args[0] <= INSIDE_LOG_ERROR ? (enum log_level)call->args[0]
						 : LOG_LEVEL_INFO,
		"function log", LOG_STR("fn", inv->fn->id),
		LOG_STR("inv", inv->id), LOG_STRN("line", line, len),
		LOG_BOOL("cut", cut));
}

static uint64_t coarse(uint64_t ns)
{
	return ns - ns % INSIDE_CLOCK_STEP_NS;
}

static uint64_t hostcall_time(const struct gate_ctl *call)
{
	return coarse(call->args[0] == INSIDE_CLOCK_MONO ? clock_now()
							 : clock_real());
}

/* Compiled code, hostile like everything from there. False: nobody wants it. */
static bool hostcall_compiled(
	struct worker *w, struct invocation *inv, const struct gate_ctl *call)
{
	uint64_t len = call->args[1];

	if (!control_wants(inv, len) ||
		!isolate_contains(inv->isolate, call->args[0], len))
		return false;
	worker_copy_out(w, inv->isolate, inv->compiled.at, call->args[0], len);
	inv->compiled.len = len;
	return true;
}

/* A hostcall that returns; false: it is none of those. */
static bool hostcall_returning(
	struct worker *w, struct invocation *inv, const struct gate_ctl *call)
{
	uint64_t ret = 0;

	if (call->nr == INSIDE_LOG)
		hostcall_log(w, inv, call);
	else if (call->nr == INSIDE_TIME)
		ret = hostcall_time(call);
	else if (call->nr != INSIDE_COMPILED ||
		 !hostcall_compiled(w, inv, call))
		return false;
	worker_copy_in(w, inv->isolate,
		inside_at(inv->isolate, offsetof(struct inside, gate.ret)),
		&ret, sizeof(ret));
	return true;
}

static bool hostcall_ends(uint64_t nr)
{
	return nr >= INSIDE_READY && nr <= INSIDE_BUFFER;
}

/* Enters until the isolate has finished the operation or is no more. */
static enum entry_end run_enter(
	struct worker *w, struct invocation *inv, struct entry *ret_entry)
{
	struct isolate *iso = inv->isolate;
	const struct gate *gate = &w->rt->core->gate;

	gate_target(w->core->gate, iso->ctl, iso->fs, domain_key(&iso->domain));
	for (;;) {
		int left = gate->enter();

		if (left == GATE_ABORTED)
			return ENTRY_FAULT;
		if (left == GATE_REFUSED)
			return ENTRY_STOPPED;
		worker_copy_out(
			w, iso, ret_entry, iso->ctl, sizeof(*ret_entry));
		if (hostcall_ends(ret_entry->gate.nr))
			return ENTRY_CALL;
		if (!hostcall_returning(w, inv, &ret_entry->gate))
			return ENTRY_BROKEN;
	}
}

static enum entry_end run_op(struct worker *w, struct invocation *inv,
	struct operands *ops, struct entry *ret_entry)
{
	struct isolate *iso = inv->isolate;

	ops->entered_ns = coarse(inv->run_begin_ns);
	memcpy(ops->invocation, inv->id, sizeof(ops->invocation));
	worker_copy_in(w, iso, inside_at(iso, offsetof(struct inside, op)), ops,
		sizeof(*ops));
	return run_enter(w, inv, ret_entry);
}

/* Endings. ----------------------------------------------------------------- */

/* " at name+0x12" where an address in a program has a name, else "". */
static void place_text(
	const struct invocation *inv, uint64_t at, char *text, size_t size)
{
	const struct program *p = inv->fn->program;
	uint64_t image = (uint64_t)inv->isolate->base + isolate_image();
	char name[PLACE_MAX - 4];

	text[0] = '\0';
	if (p && at >= image && at - image < p->span &&
		program_name(p, at - image, name, sizeof(name)))
		snprintf(text, size, " at %s", name);
}

static void fault_text(const struct isolate *iso, const struct gate_fault *f,
	char *text, size_t size)
{
	if (f->signal == SIGSYS)
		snprintf(text, size,
			"the function tried to make system call %d",
			f->syscall);
	else if (f->signal == SIGSEGV && isolate_in_guard(iso, f->address))
		snprintf(text, size, "the function overran its stack");
	else if (f->key >= 0)
		snprintf(text, size,
			"the function touched memory at 0x%llx, which is not "
			"its own (protection key %d)",
			(unsigned long long)f->address, f->key);
	else
		snprintf(text, size,
			"the function died by %s at address 0x%llx",
			fault_signal_name(f->signal),
			(unsigned long long)f->address);
}

static enum outcome fault_outcome(
	const struct isolate *iso, const struct gate_fault *f)
{
	if (f->signal == SIGSYS)
		return OUTCOME_SYSCALL_DENIED;
	if (f->key >= 0 && !isolate_in_guard(iso, f->address))
		return OUTCOME_MEMORY_VIOLATION;
	return OUTCOME_CRASHED;
}

static void end_stopped(struct invocation *inv, uint64_t timeout)
{
	char text[128];

	if (worker_must_stop(inv->worker)) {
		inv->outcome = OUTCOME_DRAINING;
		run_message_text(inv, "the daemon was told to stop at once");
		return;
	}
	if (inv->fn->opt.cpu_ns &&
		atomic_load(&inv->worker->core->stop_cause) == STOP_CPU) {
		snprintf(text, sizeof(text),
			"the function used up its %llu ms of CPU time",
			(unsigned long long)(inv->fn->opt.cpu_ns / CLOCK_MS));
		inv->outcome = OUTCOME_CPU_TIME;
		run_message_text(inv, text);
		return;
	}
	snprintf(text, sizeof(text),
		"the function ran longer than its limit of %llu ms",
		(unsigned long long)(timeout / CLOCK_MS));
	inv->outcome = OUTCOME_TIMEOUT;
	run_message_text(inv, text);
}

static void end_fault(
	struct worker *w, struct invocation *inv, uint64_t timeout)
{
	const struct gate_fault *f = &w->core->gate->fault;
	char text[192 + PLACE_MAX];

	if (f->signal == SIGURG) {
		end_stopped(inv, timeout);
		return;
	}
	fault_text(inv->isolate, f, text, 192);
	place_text(inv, f->rip, text + strlen(text), PLACE_MAX);
	inv->outcome = fault_outcome(inv->isolate, f);
	run_message_text(inv, text);
	log_warn("isolate fault", LOG_STR("fn", inv->fn->id),
		LOG_STR("inv", inv->id), LOG_STR("what", text),
		LOG_HEX("rip", f->rip), LOG_HEX("rsp", f->rsp));
}

static void end_broken(struct invocation *inv)
{
	inv->outcome = OUTCOME_CRASHED;
	run_message_text(inv, "the function broke the runtime's protocol");
}

/* Copies [ptr, ptr+len) of the isolate into inv->reply. */
static void take_out(
	struct worker *w, struct invocation *inv, uint64_t ptr, uint64_t len)
{
	if (!isolate_contains(inv->isolate, ptr, len)) {
		end_broken(inv);
		return;
	}
	inv->reply = bufpool_get(&w->pool, INVOKE_HEADROOM + len);
	if (!inv->reply.ptr) {
		inv->outcome = OUTCOME_NO_ISOLATE;
		return;
	}
	worker_copy_out(
		w, inv->isolate, inv->reply.ptr + INVOKE_HEADROOM, ptr, len);
	inv->reply_len = len;
}

static void end_reply(
	struct worker *w, struct invocation *inv, const struct gate_ctl *call)
{
	char text[128];

	if (call->args[1] > w->rt->opt.max_response) {
		snprintf(text, sizeof(text),
			"the reply of %llu bytes is over the limit of %llu",
			(unsigned long long)call->args[1],
			(unsigned long long)w->rt->opt.max_response);
		inv->outcome = OUTCOME_RESPONSE_TOO_LARGE;
		run_message_text(inv, text);
		return;
	}
	inv->outcome = OUTCOME_OK;
	inv->kind = call->args[2] <= INSIDE_REPLY_BYTES
			    ? (enum inside_reply)call->args[2]
			    : INSIDE_REPLY_JSON;
	take_out(w, inv, call->args[0], call->args[1]);
}

/* It called abort() or the like: who did. */
static void end_died(
	struct worker *w, struct invocation *inv, const struct gate_ctl *call)
{
	char text[DIED_MAX + PLACE_MAX];
	uint64_t len = call->args[2] < DIED_MAX ? call->args[2] : DIED_MAX;

	if (!isolate_contains(inv->isolate, call->args[1], len)) {
		end_broken(inv);
		return;
	}
	worker_copy_out(w, inv->isolate, text, call->args[1], len);
	/* The call's last byte: what follows may be another function. */
	place_text(inv, call->args[3] - 1, text + len, PLACE_MAX);
	run_message(inv, text, len + strlen(text + len));
}

static void end_fail(
	struct worker *w, struct invocation *inv, const struct gate_ctl *call)
{
	static const enum outcome outcomes[] = {
		[INSIDE_FAIL_LOAD] = OUTCOME_LOAD_FAILED,
		[INSIDE_FAIL_ENTRY] = OUTCOME_ENTRY_MISSING,
		[INSIDE_FAIL_ERROR] = OUTCOME_ERROR,
		[INSIDE_FAIL_NOMEM] = OUTCOME_OUT_OF_MEMORY,
		[INSIDE_FAIL_RESPONSE] = OUTCOME_RESPONSE_INVALID,
		[INSIDE_FAIL_REQUEST] = OUTCOME_BAD_REQUEST,
		[INSIDE_FAIL_GIVEN_UP] = OUTCOME_ERROR,
		[INSIDE_FAIL_DIED] = OUTCOME_CRASHED,
	};
	uint64_t kind = call->args[0];
	uint64_t len = call->args[2];

	if (kind < INSIDE_FAIL_LOAD || kind > INSIDE_FAIL_DIED) {
		end_broken(inv);
		return;
	}
	inv->outcome = outcomes[kind];
	inv->isolate->given_up = kind >= INSIDE_FAIL_GIVEN_UP;
	if (kind == INSIDE_FAIL_DIED) {
		end_died(w, inv, call);
		return;
	}
	take_out(w, inv, call->args[1], len < MESSAGE_MAX ? len : MESSAGE_MAX);
}

/* What it says, but no more than it can have. */
static void run_note_heap(struct isolate *iso, const struct entry *e)
{
	uint32_t contexts = iso->fn->opt.contexts;
	uint64_t used = e->heap_used, peak = e->heap_peak;

	used = used < iso->mapped ? used : iso->mapped;
	peak = peak < iso->mapped ? peak : iso->mapped;
	atomic_store_explicit(&iso->heap_used, used, memory_order_relaxed);
	atomic_store_explicit(&iso->heap_peak, peak, memory_order_relaxed);
	iso->contexts_ready = e->contexts_ready < contexts
				      ? (uint32_t)e->contexts_ready
				      : contexts;
}

/* The conversation. -------------------------------------------------------- */

/*
 * Does one operation and expects `want` at its end. True: it came. False: the
 * invocation is over; outcome and message are set.
 */
static bool run_step(struct worker *w, struct invocation *inv,
	struct operands *ops, uint64_t want, struct entry *ret_entry)
{
	switch (run_op(w, inv, ops, ret_entry)) {
	case ENTRY_FAULT:
		end_fault(w, inv, ops->timeout_ns);
		return false;
	case ENTRY_STOPPED:
		end_stopped(inv, ops->timeout_ns);
		return false;
	case ENTRY_BROKEN:
		end_broken(inv);
		return false;
	case ENTRY_CALL:
		break;
	}
	run_note_heap(inv->isolate, ret_entry);
	if (ret_entry->gate.nr == want)
		return true;
	if (ret_entry->gate.nr == INSIDE_FAIL)
		end_fail(w, inv, &ret_entry->gate);
	else
		end_broken(inv);
	return false;
}

/* Loads the code if that was not done yet. */
static bool run_load(struct worker *w, struct invocation *inv, uint64_t timeout)
{
	struct operands ops = {.op = INSIDE_LOAD,
		.want = inv->compiled.room,
		.timeout_ns = timeout};
	struct entry e;

	if (!inv->isolate->loaded && !run_step(w, inv, &ops, INSIDE_READY, &e))
		return false;
	inv->isolate->loaded = true;
	inv->outcome = OUTCOME_OK;
	return true;
}

/* Has contexts prepared, one after the other, as long as each comes about and
 * there is time enough for the next. */
static void run_prepare(
	struct worker *w, struct invocation *inv, uint64_t timeout)
{
	struct isolate *iso = inv->isolate;
	struct operands ops = {.op = INSIDE_LOAD};
	uint64_t end = inv->run_begin_ns + timeout;
	uint64_t began, took = 0;
	struct entry e;

	while (iso->contexts_ready < inv->prepare) {
		uint32_t before = iso->contexts_ready;

		began = clock_now();
		if (began >= end || end - began < 4 * took)
			return;
		ops.timeout_ns = end - began;
		if (!run_step(w, inv, &ops, INSIDE_READY, &e) ||
			iso->contexts_ready == before)
			return;
		took = clock_now() - began;
	}
}

/* Where the request's bytes go; 0: nowhere, the invocation is over. */
static uint64_t run_room(
	struct worker *w, struct invocation *inv, uint64_t timeout)
{
	struct operands ops = {.op = INSIDE_ALLOC,
		.want = inv->req_len,
		.timeout_ns = timeout};
	struct entry e;

	if (inv->req_len <= ISOLATE_WINDOW)
		return inv->isolate->window;
	if (!run_load(w, inv, timeout) ||
		!run_step(w, inv, &ops, INSIDE_BUFFER, &e))
		return 0;
	if (e.gate.args[0] == 0) {
		inv->outcome = OUTCOME_OUT_OF_MEMORY;
		run_message_text(inv, "the request does not fit into the "
				      "function's memory budget");
		return 0;
	}
	/* Code and constants of its own are no place: the copy would fault. */
	if (!isolate_writable(inv->isolate, e.gate.args[0], inv->req_len)) {
		end_broken(inv);
		return 0;
	}
	return e.gate.args[0];
}

static void run_call(struct worker *w, struct invocation *inv, uint64_t timeout)
{
	struct operands ops = {.op = INSIDE_INVOKE,
		.req_len = inv->req_len,
		.timeout_ns = timeout};
	struct entry e;

	ops.req = run_room(w, inv, timeout);
	if (ops.req == 0)
		return;
	worker_copy_in(w, inv->isolate, ops.req, inv->req, inv->req_len);
	if (run_step(w, inv, &ops, INSIDE_REPLY, &e))
		end_reply(w, inv, &e.gate);
	/* Whatever the call came to, a load that failed has other outcomes. */
	inv->isolate->loaded = true;
}

void run_converse(struct worker *w, struct invocation *inv, uint64_t timeout)
{
	const struct gate_thread *gate = w->core->gate;

	w->core->gate->fault.signal = 0;
	if (!inv->load_only)
		run_call(w, inv, timeout);
	else if (run_load(w, inv, timeout))
		run_prepare(w, inv, timeout);
	if (inv->outcome == OUTCOME_OUT_OF_MEMORY)
		inv->heap_peak = atomic_load_explicit(
			&inv->isolate->heap_peak, memory_order_relaxed);
	run_end(w, gate->fault.signal == SIGURG);
}
