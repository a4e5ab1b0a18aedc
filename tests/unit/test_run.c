/*
 * The conversation with an isolate whose inside keeps to no rule. Each script
 * runs on a real worker with all its walls but keys; see fake_host.h.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/syscall.h>

#include "fake_host.h"
#include "fake_hostile.h"
#include "util/clock.h"

enum {
	MAX_RESPONSE = 100000, /* as fake_host.c has it */
	KEEP = 1000000000,
};

static struct worker *worker;
static struct function *fn;

static struct host_reply ask(
	enum hostile what, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3)
{
	struct hostile_request rq = {.what = (uint8_t)what};

	rq.args[0] = a0;
	rq.args[1] = a1;
	rq.args[2] = a2;
	rq.args[3] = a3;
	return host_call(worker, fn, &rq, sizeof(rq), 0);
}

static struct host_reply ask_time(enum hostile what, uint64_t timeout_ns)
{
	struct hostile_request rq = {.what = (uint8_t)what};

	return host_call(worker, fn, &rq, sizeof(rq), timeout_ns);
}

static enum outcome call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	return ask(HOSTILE_CALL, nr, a, b, c).outcome;
}

static uint64_t word(const struct host_reply *r)
{
	uint64_t w;

	memcpy(&w, r->bytes, sizeof(w));
	return w;
}

/* How many calls the isolate of the next call had, that one included. */
static uint64_t count(void)
{
	struct host_reply r = ask(HOSTILE_COUNT, 0, 0, 0, 0);

	EXPECT(r.outcome == OUTCOME_OK && r.len == 8);
	return word(&r);
}

static bool says(const struct host_reply *r, const char *what)
{
	return strstr(r->bytes, what) != NULL;
}

static void begin(struct worker *w)
{
	worker = w;
	fn = host_function("f", "xx", KEEP * INT64_C(60));
}

#define SCRIPT(name) HOST_SCRIPT(run, name, )

/* Honest ones first, so that the others mean something. -------------------- */

SCRIPT(honest)
{
	struct host_reply r;

	begin(w);
	r = ask(HOSTILE_ECHO, 1, 2, 3, 4);
	EXPECT(r.outcome == OUTCOME_OK);
	EXPECT(r.kind == INSIDE_REPLY_TEXT);
	EXPECT(r.len == sizeof(struct hostile_request));
	EXPECT(r.bytes[0] == HOSTILE_ECHO && r.bytes[8] == 1);
	EXPECT(r.cold);
	EXPECT(count() == 2);
	r = ask(HOSTILE_TIME, INSIDE_CLOCK_MONO, 0, 0, 0);
	EXPECT(word(&r) > w->now - KEEP && word(&r) < w->now + KEEP);
	EXPECT(word(&r) % INSIDE_CLOCK_STEP_NS == 0);
	EXPECT(!r.cold);
	r = ask(HOSTILE_TIME, INSIDE_CLOCK_REAL, 0, 0, 0);
	EXPECT(word(&r) > UINT64_C(1600000000) * KEEP);
	EXPECT(word(&r) % INSIDE_CLOCK_STEP_NS == 0);
	EXPECT(atomic_load(&fn->stats.calls) == 4);
	EXPECT(atomic_load(&fn->stats.errors) == 0);
	EXPECT(atomic_load(&fn->stats.cold_starts) == 1);
	EXPECT(atomic_load(&fn->stats.idle) == 1);
	EXPECT(atomic_load(&fn->stats.busy) == 0);
}

/* Calls that there are not. ------------------------------------------------ */

SCRIPT(unknown_hostcalls)
{
	static const uint64_t numbers[] = {0, INSIDE_COMPILED + 1, 255, 256,
		(uint64_t)1 << 32 | INSIDE_REPLY, (uint64_t)1 << 63,
		UINT64_MAX};

	begin(w);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct host_reply r = ask(HOSTILE_CALL, numbers[i], 0, 0, 0);

		EXPECT(r.outcome == OUTCOME_CRASHED);
		EXPECT(says(&r, "protocol"));
		EXPECT(count() == 1); /* that one is gone */
	}
}

SCRIPT(wrong_endings)
{
	begin(w);
	EXPECT(call(INSIDE_READY, 0, 0, 0) == OUTCOME_CRASHED);
	EXPECT(count() == 1);
	EXPECT(call(INSIDE_BUFFER, 0, 0, 0) == OUTCOME_CRASHED);
	EXPECT(count() == 1);
}

/* Replies. ----------------------------------------------------------------- */

SCRIPT(replies_out_of_range)
{
	static const uint64_t at[][2] = {
		{0, 1},
		{0, 0},
		{UINT64_MAX, 1},
		{UINT64_MAX - 7, 8},
		{UINT64_MAX - 7, 9},
		{(uint64_t)1 << 63, 10},
	};

	begin(w);
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		EXPECT(call(INSIDE_REPLY, at[i][0], at[i][1], 0) ==
			OUTCOME_CRASHED);
	EXPECT(count() == 1);
	/* The runtime's own memory. */
	EXPECT(call(INSIDE_REPLY, (uint64_t)w, 8, 0) == OUTCOME_CRASHED);
	EXPECT(call(INSIDE_REPLY, (uint64_t)&at, 8, 0) == OUTCOME_CRASHED);
}

SCRIPT(replies_at_the_edge)
{
	struct host_reply r;

	begin(w);
	r = ask(HOSTILE_CALL_LAST, INSIDE_REPLY, 16, 16, INSIDE_REPLY_TEXT);
	EXPECT(r.outcome == OUTCOME_OK && r.len == 16);
	r = ask(HOSTILE_CALL_LAST, INSIDE_REPLY, 0, 0, INSIDE_REPLY_TEXT);
	EXPECT(r.outcome == OUTCOME_OK && r.len == 0);
	r = ask(HOSTILE_CALL_LAST, INSIDE_REPLY, 1, 1, 77);
	EXPECT(r.outcome == OUTCOME_OK && r.kind == INSIDE_REPLY_JSON);
	EXPECT(count() == 4);
	r = ask(HOSTILE_CALL_LAST, INSIDE_REPLY, 16, 17, 0);
	EXPECT(r.outcome == OUTCOME_CRASHED);
	r = ask(HOSTILE_CALL_LAST, INSIDE_REPLY, 0, 1, 0);
	EXPECT(r.outcome == OUTCOME_CRASHED);
}

SCRIPT(replies_too_long)
{
	static const uint64_t lens[] = {MAX_RESPONSE + 1, (uint64_t)1 << 32,
		(uint64_t)1 << 63, UINT64_MAX};
	struct host_reply r;

	begin(w);
	r = ask(HOSTILE_CALL_HEAP, INSIDE_REPLY, 0, MAX_RESPONSE, 0);
	EXPECT(r.outcome == OUTCOME_OK && r.len == MAX_RESPONSE);
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		r = ask(HOSTILE_CALL_HEAP, INSIDE_REPLY, 0, lens[i], 0);
		EXPECT(r.outcome == OUTCOME_RESPONSE_TOO_LARGE);
		EXPECT(says(&r, "100000"));
	}
	/* Nothing wrong with the isolate. */
	EXPECT(count() == 6);
}

/* Failures. ---------------------------------------------------------------- */

SCRIPT(failures)
{
	static const enum outcome want[] = {
		[INSIDE_FAIL_LOAD] = OUTCOME_LOAD_FAILED,
		[INSIDE_FAIL_ENTRY] = OUTCOME_ENTRY_MISSING,
		[INSIDE_FAIL_ERROR] = OUTCOME_ERROR,
		[INSIDE_FAIL_NOMEM] = OUTCOME_OUT_OF_MEMORY,
		[INSIDE_FAIL_RESPONSE] = OUTCOME_RESPONSE_INVALID,
		[INSIDE_FAIL_REQUEST] = OUTCOME_BAD_REQUEST};
	static const bool kept[] = {[INSIDE_FAIL_ERROR] = true,
		[INSIDE_FAIL_RESPONSE] = true,
		[INSIDE_FAIL_REQUEST] = true};

	begin(w);
	for (unsigned kind = INSIDE_FAIL_LOAD; kind <= INSIDE_FAIL_REQUEST;
		kind++) {
		struct host_reply r;
		uint64_t had = count();

		r = ask(HOSTILE_CALL_INSIDE, INSIDE_FAIL, kind, 0, 5);
		EXPECT(r.outcome == want[kind]);
		EXPECT(r.len == 5);
		EXPECT(count() == (kept[kind] ? had + 2 : 1));
	}
}

SCRIPT(failures_of_no_kind)
{
	static const uint64_t kinds[] = {0, INSIDE_FAIL_DIED + 1, 255,
		(uint64_t)1 << 32 | INSIDE_FAIL_ERROR, UINT64_MAX};

	begin(w);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		EXPECT(ask(HOSTILE_CALL_INSIDE, INSIDE_FAIL, kinds[i], 0, 5)
				.outcome == OUTCOME_CRASHED);
		EXPECT(count() == 1);
	}
}

SCRIPT(failures_with_bad_messages)
{
	struct host_reply r;

	begin(w);
	EXPECT(call(INSIDE_FAIL, INSIDE_FAIL_ERROR, 0, 5) == OUTCOME_CRASHED);
	EXPECT(call(INSIDE_FAIL, INSIDE_FAIL_ERROR, (uint64_t)w, 5) ==
		OUTCOME_CRASHED);
	EXPECT(call(INSIDE_FAIL, INSIDE_FAIL_ERROR, UINT64_MAX - 2, 9) ==
		OUTCOME_CRASHED);
	r = ask(HOSTILE_CALL_END, INSIDE_FAIL, INSIDE_FAIL_ERROR, 4, 5);
	EXPECT(r.outcome == OUTCOME_CRASHED);
	r = ask(HOSTILE_CALL_END, INSIDE_FAIL, INSIDE_FAIL_ERROR, 4, 4);
	EXPECT(r.outcome == OUTCOME_ERROR && r.len == 4);
	/* A message as long as can be is cut. */
	r = ask(HOSTILE_CALL_INSIDE, INSIDE_FAIL, INSIDE_FAIL_ERROR, 0,
		UINT64_MAX);
	EXPECT(r.outcome == OUTCOME_ERROR && r.len == 16384);
}

/* Time. -------------------------------------------------------------------- */

static void expect_timeout(const struct host_reply *r, uint64_t limit)
{
	EXPECT(r->outcome == OUTCOME_TIMEOUT);
	EXPECT(r->run_ns >= limit);
	/* Generous: the machine may be busy. */
	EXPECT(r->run_ns < limit + 2 * CLOCK_S);
}

SCRIPT(endless_run)
{
	struct host_reply r;

	begin(w);
	for (int i = 0; i < 5; i++) {
		r = ask_time(HOSTILE_SPIN, 20 * CLOCK_MS);
		expect_timeout(&r, 20 * CLOCK_MS);
		EXPECT(says(&r, "20 ms"));
		EXPECT(count() == 1);
	}
	EXPECT(atomic_load(&fn->stats.errors) == 5);
}

SCRIPT(endless_hostcalls)
{
	struct host_reply r;

	begin(w);
	for (int i = 0; i < 5; i++) {
		r = ask_time(HOSTILE_LOGS, 20 * CLOCK_MS);
		expect_timeout(&r, 20 * CLOCK_MS);
		EXPECT(count() == 1);
	}
}

SCRIPT(the_functions_own_limit_is_the_longest)
{
	struct host_reply r;

	begin(w);
	fn->opt.timeout_ns = 20 * CLOCK_MS;
	r = ask_time(HOSTILE_SPIN, 0);
	expect_timeout(&r, 20 * CLOCK_MS);
	r = ask_time(HOSTILE_SPIN, 10 * CLOCK_S);
	expect_timeout(&r, 20 * CLOCK_MS);
}

/* Faults. ------------------------------------------------------------------ */

SCRIPT(faults)
{
	struct host_reply r;

	begin(w);
	for (int i = 0; i < 3; i++) {
		r = ask(HOSTILE_TRAP, 0, 0, 0, 0);
		EXPECT(r.outcome == OUTCOME_CRASHED && says(&r, "SIGILL"));
		EXPECT(count() == 1);
		r = ask(HOSTILE_STACK, 0, 0, 0, 0);
		EXPECT(r.outcome == OUTCOME_CRASHED && says(&r, "stack"));
		EXPECT(count() == 1);
		r = ask(HOSTILE_READ, 0x1230, 0, 0, 0);
		EXPECT(r.outcome == OUTCOME_CRASHED && says(&r, "0x1230"));
		EXPECT(count() == 1);
	}
}

SCRIPT(system_calls)
{
	static const uint64_t numbers[] = {SYS_getppid, SYS_futex, SYS_write,
		SYS_exit_group, SYS_rt_sigreturn, SYS_io_uring_enter, 99999};

	begin(w);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct host_reply r = ask(HOSTILE_SYSCALL, numbers[i], 0, 0, 0);

		EXPECT(r.outcome == OUTCOME_SYSCALL_DENIED);
		EXPECT(says(&r, "system call"));
		EXPECT(count() == 1);
	}
}

/* What it says about itself and to the log. -------------------------------- */

SCRIPT(log_calls)
{
	static const uint64_t calls[][3] = {
		{INSIDE_LOG_INFO, 0, 10},
		{INSIDE_LOG_INFO, UINT64_MAX, 10},
		{INSIDE_LOG_INFO, UINT64_MAX - 5, UINT64_MAX},
		{UINT64_MAX, 0, UINT64_MAX},
	};

	begin(w);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		EXPECT(ask(HOSTILE_LOG_AT, calls[i][0], calls[i][1],
			       calls[i][2], 0)
				.outcome == OUTCOME_OK);
	EXPECT(ask(HOSTILE_LOG_AT, 0, (uint64_t)w, 64, 0).outcome ==
		OUTCOME_OK);
	EXPECT(count() == 6);
}

SCRIPT(false_statistics)
{
	begin(w);
	EXPECT(ask(HOSTILE_STATS, 0, 0, 0, 0).outcome == OUTCOME_OK);
	EXPECT(count() == 2);
}

/* Loads. ------------------------------------------------------------------- */

static enum outcome load(const char *name, char what)
{
	char code[2] = {what, 'x'};

	return host_load(worker, host_function(name, code, KEEP)).outcome;
}

SCRIPT(loads)
{
	struct host_reply r;

	worker = w;
	EXPECT(load("a", HOSTILE_READY) == OUTCOME_OK);
	EXPECT(load("b", HOSTILE_FAIL_LOAD) == OUTCOME_LOAD_FAILED);
	EXPECT(load("c", HOSTILE_FAIL_ENTRY) == OUTCOME_ENTRY_MISSING);
	EXPECT(load("d", HOSTILE_FAIL_NOMEM) == OUTCOME_OUT_OF_MEMORY);
	EXPECT(load("e", HOSTILE_REPLY) == OUTCOME_CRASHED);
	EXPECT(load("f", HOSTILE_BUFFER) == OUTCOME_CRASHED);
	EXPECT(load("g", HOSTILE_TRAP) == OUTCOME_CRASHED);
	fn = host_function("h", "xx", KEEP);
	fn->code[0] = HOSTILE_FAIL_LOAD;
	r = host_load(w, fn);
	EXPECT(r.len == 3 && says(&r, "why"));
	EXPECT(atomic_load(&fn->stats.idle) == 0);
	EXPECT(atomic_load(&fn->stats.calls) == 0);
}

SCRIPT(a_load_leaves_a_warm_isolate)
{
	struct host_reply r;

	worker = w;
	fn = host_function("a", "xx", KEEP);
	fn->code[0] = HOSTILE_READY;
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	EXPECT(atomic_load(&fn->stats.idle) == 1);
	r = ask(HOSTILE_ECHO, 0, 0, 0, 0);
	EXPECT(r.outcome == OUTCOME_OK && !r.cold);
	/* The next trial is a new isolate: it is the code that is tried. */
	EXPECT(host_load(w, fn).cold);
}

SCRIPT(an_endless_load)
{
	worker = w;
	fn = host_function("a", "xx", KEEP);
	fn->code[0] = HOSTILE_SPIN;
	fn->opt.timeout_ns = 20 * CLOCK_MS;
	EXPECT(host_load(w, fn).outcome == OUTCOME_TIMEOUT);
}

/* Large requests. ---------------------------------------------------------- */

static struct host_reply large(const char *name, char load, char alloc)
{
	static char rq[200000] = {HOSTILE_ECHO};
	char code[2] = {load, alloc};

	fn = host_function(name, code, KEEP);
	return host_call(worker, fn, rq, 90000, 0);
}

SCRIPT(large_requests)
{
	struct host_reply r;

	worker = w;
	r = large("a", HOSTILE_READY, HOSTILE_BUFFER);
	EXPECT(r.outcome == OUTCOME_OK && r.len == 90000);
	r = large("b", HOSTILE_READY, HOSTILE_BUFFER_NONE);
	EXPECT(r.outcome == OUTCOME_OUT_OF_MEMORY && says(&r, "request"));
	r = large("c", HOSTILE_READY, HOSTILE_BUFFER_LOW);
	EXPECT(r.outcome == OUTCOME_CRASHED);
	r = large("d", HOSTILE_READY, HOSTILE_BUFFER_END);
	EXPECT(r.outcome == OUTCOME_CRASHED);
	r = large("e", HOSTILE_READY, HOSTILE_BUFFER_WRAP);
	EXPECT(r.outcome == OUTCOME_CRASHED);
	r = large("f", HOSTILE_READY, HOSTILE_READY);
	EXPECT(r.outcome == OUTCOME_CRASHED);
	r = large("g", HOSTILE_READY, HOSTILE_FAIL_NOMEM);
	EXPECT(r.outcome == OUTCOME_OUT_OF_MEMORY);
	r = large("h", HOSTILE_FAIL_LOAD, HOSTILE_BUFFER);
	EXPECT(r.outcome == OUTCOME_LOAD_FAILED);
	r = large("i", HOSTILE_FAIL_ERROR, HOSTILE_BUFFER);
	EXPECT(r.outcome == OUTCOME_ERROR);
	EXPECT(atomic_load(&fn->stats.idle) == 0); /* not loaded: not kept */
}

SCRIPT(window_or_heap)
{
	static char rq[8192] = {HOSTILE_ECHO};

	worker = w;
	fn = host_function("a", "xx", KEEP);
	fn->code[0] = HOSTILE_READY;
	fn->code[1] = HOSTILE_BUFFER;
	for (size_t len = ISOLATE_WINDOW - 1; len <= ISOLATE_WINDOW + 1; len++)
		EXPECT(host_call(w, fn, rq, len, 0).len == len);
}
