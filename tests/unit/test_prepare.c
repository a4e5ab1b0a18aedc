/*
 * Compiled code out of an isolate, and contexts prepared ahead, with an inside
 * that keeps to no rule. Scripts on a real worker; see fake_host.h.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "core/runtime_core.h"
#include "fake_host.h"
#include "fake_hostile.h"
#include "util/clock.h"

enum {
	KEEP = 1000000000,
	ROOM = 100,
};

#define SCRIPT(name) HOST_SCRIPT(prepare, name, )

static struct worker *worker;

static struct function *function(
	const char *name, enum hostile load, uint32_t contexts)
{
	struct function *fn = host_function(name, "xx", KEEP * INT64_C(60));

	fn->code[0] = (char)load;
	fn->opt.contexts = contexts;
	return fn;
}

/* Loads. ------------------------------------------------------------------- */

struct trial {
	struct invocation inv;
	bool done;
	char bytes[ROOM + 8];
};

static void trial_done(struct invocation *inv)
{
	container_of(inv, struct trial, inv)->done = true;
	bufpool_put(&inv->worker->pool, inv->reply);
}

static struct trial trial(struct function *fn, size_t room, uint32_t prepare)
{
	static struct trial t;

	memset(&t, 0, sizeof(t));
	memset(t.bytes, 'o', sizeof(t.bytes));
	t.inv = (struct invocation){.fn = fn,
		.load_only = true,
		.prepare = prepare,
		.compiled = {.at = t.bytes, .room = room},
		.done = trial_done};
	worker->now = clock_now();
	invoke_start(worker, &t.inv);
	while (!t.done)
		host_turn(worker);
	return t;
}

static struct host_reply call(struct function *fn, enum hostile what)
{
	const struct hostile_request rq = {
		.what = (uint8_t)what, .args = {INSIDE_COMPILED, 0, 8}};

	return host_call(worker, fn, &rq, sizeof(rq), 0);
}

static void turns(void)
{
	for (int i = 0; i < 50; i++)
		host_turn(worker);
}

/* The idle one. */
static const struct isolate *the_isolate(struct function *fn)
{
	static const struct isolate none = {.contexts_ready = 999};
	struct list *l = list_first(&fn->local[worker->id].idle);

	return l ? container_of(l, struct isolate, link) : &none;
}

/* Compiled code. ----------------------------------------------------------- */

SCRIPT(is_taken)
{
	struct trial t;

	worker = w;
	t = trial(function("a", HOSTILE_OFFER, 0), ROOM, 0);
	EXPECT(t.inv.outcome == OUTCOME_OK);
	EXPECT(t.inv.compiled.len == ROOM);
	EXPECT(t.bytes[ROOM - 1] == 0 && t.bytes[ROOM] == 'o');
	t = trial(function("b", HOSTILE_READY, 0), ROOM, 0);
	EXPECT(t.inv.outcome == OUTCOME_OK && t.inv.compiled.len == 0);
	EXPECT(t.bytes[0] == 'o');
}

static void refuses(const char *name, enum hostile how, size_t room, size_t len)
{
	struct function *fn = function(name, how, 0);
	struct trial t = trial(fn, room, 0);

	EXPECT(t.inv.outcome == OUTCOME_CRASHED);
	EXPECT(t.inv.compiled.len == len);
	EXPECT(t.bytes[len] == 'o');
	EXPECT(atomic_load(&fn->stats.idle) == 0);
}

SCRIPT(is_refused)
{
	worker = w;
	refuses("twice", HOSTILE_OFFER_TWICE, ROOM, ROOM);
	refuses("large", HOSTILE_OFFER_LARGE, ROOM, 0);
	refuses("none", HOSTILE_OFFER_NONE, ROOM, 0);
	refuses("low", HOSTILE_OFFER_LOW, ROOM, 0);
	refuses("end", HOSTILE_OFFER_END, ROOM, 0);
	refuses("wrap", HOSTILE_OFFER_WRAP, ROOM, 0);
	refuses("unasked", HOSTILE_OFFER, 0, 0);
}

/* At any other time it is no call that there is. */
SCRIPT(has_one_time)
{
	struct function *fn = function("a", HOSTILE_READY, 2);
	struct trial t;

	worker = w;
	EXPECT(call(fn, HOSTILE_CALL_HEAP).outcome == OUTCOME_CRASHED);
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	EXPECT(call(fn, HOSTILE_CALL_HEAP).outcome == OUTCOME_CRASHED);
	/* In a first call's load. */
	fn = function("b", HOSTILE_OFFER, 0);
	EXPECT(host_load(w, fn).outcome == OUTCOME_CRASHED);
	/* In a load after the load, though there is room. */
	t = trial(function("c", HOSTILE_OFFER_LATE, 4), ROOM, 4);
	EXPECT(t.inv.outcome == OUTCOME_CRASHED);
	EXPECT(t.inv.compiled.len == 0 && t.bytes[0] == 'o');
}

/* What the control thread makes of it. ------------------------------------- */

static struct request {
	struct control_req req;
	struct function *fn;
	unsigned done;
	int outcome;
} request;

static void request_done(struct control_req *req)
{
	container_of(req, struct request, req)->done++;
}

static void loaded(struct control_req *req, const struct control_load *load)
{
	request.outcome = load->end.outcome;
	control_reply(req, 200, NULL, NULL, 0);
}

static void handle(struct control_req *req)
{
	EXPECT(control_load(req, request.fn, loaded) == 0);
}

static void register_as(struct function *fn)
{
	uint64_t until = clock_now() + 5 * CLOCK_S;

	request = (struct request){
		.req.handle = handle, .req.done = request_done, .fn = fn};
	control_submit(worker, &request.req);
	while (!request.done && clock_now() < until)
		host_turn(worker);
	EXPECT(request.done == 1);
}

SCRIPT(goes_to_the_function)
{
	struct function *fn = function("a", HOSTILE_OFFER, 0);

	worker = w;
	register_as(fn);
	EXPECT(request.outcome == OUTCOME_OK);
	EXPECT(fn->compiled && fn->code_len == 2);
	EXPECT(fn->given_len > 2 && fn->given_len <= 4 * 2 + 4096);
	EXPECT(fn->code[fn->given_len] == '\0');
	fn = function("b", HOSTILE_OFFER_TWICE, 0);
	register_as(fn);
	EXPECT(request.outcome == OUTCOME_CRASHED);
	EXPECT(!fn->compiled && fn->given_len == 2);
	EXPECT(fn->code[0] == HOSTILE_OFFER_TWICE);
	fn = function("c", HOSTILE_READY, 0);
	register_as(fn);
	EXPECT(request.outcome == OUTCOME_OK && !fn->compiled);
}

/* Contexts. ---------------------------------------------------------------- */

SCRIPT(are_made_by_the_idle)
{
	struct function *fn = function("a", HOSTILE_CONTEXTS, 5);

	worker = w;
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	turns();
	EXPECT(the_isolate(fn)->contexts_ready == 5);
	EXPECT(atomic_load(&fn->stats.idle) == 1);
	EXPECT(atomic_load(&fn->stats.busy) == 0);
	EXPECT(atomic_load(&fn->stats.calls) == 0);
	EXPECT(!worker_has_chores(w));
	fn = function("b", HOSTILE_CONTEXTS, 0);
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	EXPECT(!worker_has_chores(w));
}

SCRIPT(are_made_when_asked_for)
{
	worker = w;
	struct function *fn = function("a", HOSTILE_CONTEXTS, 5);

	EXPECT(trial(fn, 0, 5).inv.outcome == OUTCOME_OK);
	EXPECT(the_isolate(fn)->contexts_ready == 5);
	EXPECT(!worker_has_chores(w));
}

/* It counts as its function wants, whatever it says. */
SCRIPT(are_a_hint)
{
	struct function *fn = function("a", HOSTILE_CONTEXTS_ABSURD, 3);

	worker = w;
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	EXPECT(the_isolate(fn)->contexts_ready == 3);
	EXPECT(!worker_has_chores(w));
	fn = function("b", HOSTILE_CONTEXTS_ABSURD, 0);
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	EXPECT(the_isolate(fn)->contexts_ready == 0);
}

/* Who makes none is not asked again and again. */
SCRIPT(are_not_asked_for_in_vain)
{
	struct function *fn = function("a", HOSTILE_CONTEXTS_NONE, 3);

	worker = w;
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	turns();
	EXPECT(!worker_has_chores(w));
	EXPECT(atomic_load(&fn->stats.idle) == 1);
	EXPECT(call(fn, HOSTILE_ECHO).outcome == OUTCOME_OK);
	turns();
	EXPECT(!worker_has_chores(w));
	EXPECT(atomic_load(&fn->stats.idle) == 1);
}

/* A fault costs the isolate, and nobody a call. */
static void dies(const char *name, enum hostile how)
{
	struct function *fn = function(name, how, 3);

	fn->opt.timeout_ns = 20 * CLOCK_MS;
	EXPECT(host_load(worker, fn).outcome == OUTCOME_OK);
	turns();
	EXPECT(atomic_load(&fn->stats.idle) == 0);
	EXPECT(atomic_load(&fn->stats.busy) == 0);
	EXPECT(call(fn, HOSTILE_ECHO).outcome == OUTCOME_OK);
	EXPECT(atomic_load(&fn->stats.errors) == 0);
}

SCRIPT(may_fail)
{
	worker = w;
	dies("spin", HOSTILE_CONTEXTS_SPIN);
	dies("trap", HOSTILE_CONTEXTS_TRAP);
	dies("fail", HOSTILE_CONTEXTS_FAIL);
	dies("offer", HOSTILE_OFFER_LATE);
}

/* No more of a processor than a call may have. */
SCRIPT(keep_to_the_cpu_time)
{
	struct function *fn = function("a", HOSTILE_CONTEXTS_SPIN, 3);
	uint64_t began;

	worker = w;
	fn->opt.timeout_ns = 60 * CLOCK_S;
	fn->opt.cpu_ns = 20 * CLOCK_MS;
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	began = clock_now();
	turns();
	EXPECT(clock_now() - began < 3 * CLOCK_S);
	EXPECT(atomic_load(&fn->stats.idle) == 0);
	EXPECT(metrics_sum(&w->metrics, 1, METRIC_TIMEOUTS,
		       METRIC_TIMEOUT_CPU) == 1);
}

/* What was noted may be gone, in use, or another's by the time. */
SCRIPT(come_too_late)
{
	struct function *fn = function("a", HOSTILE_CONTEXTS, 3);

	worker = w;
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	pool_purge(w, fn);
	turns();
	EXPECT(!worker_has_chores(w));
	EXPECT(atomic_load(&fn->stats.idle) == 0);
	for (int i = 0; i < 5 * PREPARE_MAX; i++)
		prepare_note(w, &w->core->pool.all[i % 3]);
	turns();
	turns();
	EXPECT(!worker_has_chores(w));
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	EXPECT(call(fn, HOSTILE_ECHO).outcome == OUTCOME_OK);
}

/* To be prepared is no use: the time to live goes on. */
SCRIPT(are_no_use)
{
	struct function *fn = function("a", HOSTILE_CONTEXTS, 3);
	uint64_t used;

	worker = w;
	EXPECT(host_load(w, fn).outcome == OUTCOME_OK);
	used = the_isolate(fn)->last_used;
	turns();
	EXPECT(the_isolate(fn)->contexts_ready == 3);
	EXPECT(the_isolate(fn)->last_used == used);
}
