/* From a function to an outcome: isolates that are short, queues, versions that
 * go, the drain. Scripts on a real worker; see fake_host.h. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/runtime_core.h"
#include "fake_host.h"
#include "fake_hostile.h"
#include "util/clock.h"

enum {
	KEEP = 1000000000,
	CALLS = 6,
};

#define SCRIPT(name, ...) HOST_SCRIPT(invoke, name, __VA_ARGS__)

/* Several at once. */
static struct call {
	struct invocation inv;
	unsigned done;
	unsigned order; /* in which they ended */
} calls[CALLS];
static unsigned n_done;

static const struct hostile_request echo = {.what = HOSTILE_ECHO};

static void called(struct invocation *inv)
{
	struct call *c = container_of(inv, struct call, inv);

	c->done++;
	c->order = ++n_done;
	bufpool_put(&inv->worker->pool, inv->reply);
}

static void begin(struct worker *w, unsigned i, struct function *fn)
{
	calls[i] = (struct call){.inv = {.fn = fn,
					 .req = &echo,
					 .req_len = sizeof(echo),
					 .done = called}};
	w->now = clock_now();
	invoke_start(w, &calls[i].inv);
	ahead_run(w);
}

/* Turns until `n` more are done, or a second is over. */
static void turn_until(struct worker *w, unsigned n)
{
	uint64_t until = clock_now() + CLOCK_S;

	while (n_done < n && clock_now() < until)
		host_turn(w);
	EXPECT(n_done == n);
}

static enum outcome outcome(unsigned i)
{
	EXPECT(calls[i].done == 1);
	return calls[i].inv.outcome;
}

/* All isolates that can be had, so that nobody else has one. */
static struct isolate *seize(struct worker *w)
{
	struct isolate *iso;

	while (!(iso = pool_take_empty(&w->core->pool, 1 << 20)))
		host_turn(w);
	return iso;
}

/* Queues. ------------------------------------------------------------------ */

SCRIPT(one_isolate_serves_all_in_turn, .isolates = 1)
{
	struct function *fn = host_function("f", "xx", KEEP * INT64_C(60));

	for (unsigned i = 0; i < CALLS; i++)
		begin(w, i, fn);
	turn_until(w, CALLS);
	for (unsigned i = 0; i < CALLS; i++) {
		EXPECT(outcome(i) == OUTCOME_OK);
		EXPECT(calls[i].order == i + 1);
	}
	EXPECT(atomic_load(&fn->stats.cold_starts) == 1);
	EXPECT(w->core->n_waiting == 0);
}

SCRIPT(one_isolate_serves_many_functions, .isolates = 1)
{
	struct function *fn[CALLS];

	for (unsigned i = 0; i < CALLS; i++)
		fn[i] = host_function((char[]){(char)('a' + i), 0}, "xx", -1);
	for (unsigned i = 0; i < CALLS; i++)
		begin(w, i, fn[i]);
	turn_until(w, CALLS);
	for (unsigned i = 0; i < CALLS; i++)
		EXPECT(outcome(i) == OUTCOME_OK);
	/* The last one alone could stay. */
	EXPECT(atomic_load(&fn[CALLS - 1]->stats.idle) == 1);
	EXPECT(atomic_load(&fn[0]->stats.idle) == 0);
}

SCRIPT(idle_ones_make_room, .isolates = 3)
{
	struct function *fn[CALLS];

	for (unsigned i = 0; i < CALLS; i++)
		fn[i] = host_function((char[]){(char)('a' + i), 0}, "xx", -1);
	for (unsigned i = 0; i < 3; i++) {
		begin(w, i, fn[i]);
		turn_until(w, i + 1);
	}
	for (unsigned i = 3; i < CALLS; i++)
		begin(w, i, fn[i]);
	turn_until(w, CALLS);
	for (unsigned i = 0; i < CALLS; i++)
		EXPECT(outcome(i) == OUTCOME_OK);
}

SCRIPT(queue_full, .isolates = 1, .queue = 2)
{
	struct function *fn = host_function("f", "xx", KEEP);
	struct isolate *iso = seize(w);

	for (unsigned i = 0; i < 4; i++)
		begin(w, i, fn);
	EXPECT(outcome(2) == OUTCOME_QUEUE_FULL);
	EXPECT(outcome(3) == OUTCOME_QUEUE_FULL);
	EXPECT(!calls[0].done && !calls[1].done);
	pool_return(&w->core->pool, iso);
	turn_until(w, 4);
	EXPECT(outcome(0) == OUTCOME_OK);
	EXPECT(outcome(1) == OUTCOME_OK);
}

/* Or nobody else had a turn as long as they are kept. */
SCRIPT(idle_ones_end_without_a_queue, .isolates = 1, .no_queue = true)
{
	struct function *one = host_function("f", "xx", -1);
	struct function *two = host_function("g", "xx", -1);

	for (unsigned i = 0; i < 4; i++) {
		begin(w, i, i % 2 ? one : two);
		turn_until(w, i + 1);
		EXPECT(outcome(i) == OUTCOME_OK);
	}
	pool_purge(w, one);
	(void)seize(w);
	begin(w, 4, one);
	EXPECT(outcome(4) == OUTCOME_QUEUE_FULL);
}

/* As for memory: the next one is served. */
SCRIPT(idle_ones_give_way_after_a_refusal, .memory = 2 << 20, .no_queue = true)
{
	struct function *one = host_function("f", "xx", -1);
	struct function *two = host_function("g", "xx", -1);

	begin(w, 0, one);
	turn_until(w, 1);
	EXPECT(outcome(0) == OUTCOME_OK);
	begin(w, 1, two);
	EXPECT(outcome(1) == OUTCOME_NO_ISOLATE);
	for (uint64_t until = clock_now() + CLOCK_S;
		atomic_load(&w->rt->core->memory.used) > 0 &&
		clock_now() < until;)
		host_turn(w);
	begin(w, 2, two);
	turn_until(w, 3);
	EXPECT(outcome(2) == OUTCOME_OK);
}

/* Who had to wait for something else before is not the last to give up. */
SCRIPT(oldest_gives_up_first, .isolates = 1, .wait_ns = 300 * CLOCK_MS)
{
	struct function *fn = host_function("f", "xx", KEEP);
	struct function *other = host_function("g", "xx", KEEP);

	(void)seize(w);
	host_limit(fn, 1, 0);
	EXPECT(quota_take(&fn->concurrency, 1));
	begin(w, 0, fn);
	EXPECT(w->core->n_waiting == 0);
	begin(w, 1, other);
	EXPECT(quota_give(&fn->concurrency, 1));
	w->core->look = true;
	host_turn(w);
	EXPECT(w->core->n_waiting == 2 && n_done == 0);
	EXPECT(worker_poll(w) <= calls[0].inv.begin_ns + 300 * CLOCK_MS);
	turn_until(w, 2);
	EXPECT(outcome(0) == OUTCOME_QUEUE_WAIT && calls[0].order == 1);
	EXPECT(outcome(1) == OUTCOME_QUEUE_WAIT);
}

SCRIPT(queue_wait, .isolates = 1, .wait_ns = 30 * CLOCK_MS)
{
	struct function *fn = host_function("f", "xx", KEEP);
	struct isolate *iso = seize(w);

	begin(w, 0, fn);
	EXPECT(worker_poll(w) <= calls[0].inv.begin_ns + 30 * CLOCK_MS);
	begin(w, 1, fn);
	turn_until(w, 2);
	for (unsigned i = 0; i < 2; i++) {
		EXPECT(outcome(i) == OUTCOME_QUEUE_WAIT);
		EXPECT(calls[i].inv.end_ns >=
			calls[i].inv.begin_ns + 30 * CLOCK_MS);
		EXPECT(calls[i].inv.run_begin_ns == 0);
	}
	EXPECT(w->core->n_waiting == 0);
	pool_return(&w->core->pool, iso);
	begin(w, 2, fn);
	turn_until(w, 3);
	EXPECT(outcome(2) == OUTCOME_OK);
}

/* A waiter for a big slot does not keep those for common ones waiting. */
SCRIPT(classes_wait_apart, .isolates = 1)
{
	struct function *big = host_function("big", "xx", KEEP);
	struct function *fn = host_function("f", "xx", KEEP);
	struct pool *p = &w->core->pool;
	struct isolate *iso = NULL;

	big->opt.memory_bytes = ARENA_COMMON_BYTES + 4096;
	for (struct isolate *i;
		(i = pool_take_empty(p, big->opt.memory_bytes));)
		iso = i;
	begin(w, 0, big);
	begin(w, 1, fn);
	begin(w, 2, fn);
	turn_until(w, 2);
	EXPECT(outcome(1) == OUTCOME_OK && outcome(2) == OUTCOME_OK);
	EXPECT(!calls[0].done);
	pool_return(p, iso);
	turn_until(w, 3);
	EXPECT(outcome(0) == OUTCOME_OK);
}

SCRIPT(larger_than_any_slot)
{
	struct function *fn = host_function("f", "xx", KEEP);

	fn->opt.memory_bytes = ARENA_BIG_BYTES + 1;
	begin(w, 0, fn);
	EXPECT(outcome(0) == OUTCOME_NO_ISOLATE);
}

SCRIPT(as_large_as_can_be)
{
	struct function *fn = host_function("f", "xx", KEEP);

	fn->opt.memory_bytes = ARENA_BIG_BYTES;
	begin(w, 0, fn);
	turn_until(w, 1);
	EXPECT(outcome(0) == OUTCOME_OK);
}

SCRIPT(smaller_than_its_frame)
{
	struct function *fn = host_function("f", "xx", KEEP);

	/* Registration would not have let this pass. */
	fn->opt.memory_bytes = ISOLATE_GUARD + ISOLATE_STACK + 4096;
	begin(w, 0, fn);
	turn_until(w, 1);
	EXPECT(outcome(0) == OUTCOME_OUT_OF_MEMORY);
	EXPECT(atomic_load(&fn->stats.idle) == 0);
}

/* Keeping. ----------------------------------------------------------------- */

SCRIPT(run_once)
{
	struct function *fn = host_function("f", "xx", 0);

	for (unsigned i = 0; i < 4; i++) {
		begin(w, i, fn);
		turn_until(w, i + 1);
		EXPECT(outcome(i) == OUTCOME_OK);
		EXPECT(calls[i].inv.cold);
	}
	EXPECT(atomic_load(&fn->stats.idle) == 0);
}

SCRIPT(time_to_live)
{
	struct function *fn = host_function("f", "xx", 10 * CLOCK_MS);
	uint64_t until;

	begin(w, 0, fn);
	turn_until(w, 1);
	EXPECT(atomic_load(&fn->stats.idle) == 1);
	until = clock_now() + CLOCK_S;
	while (atomic_load(&fn->stats.idle) && clock_now() < until)
		host_turn(w);
	EXPECT(atomic_load(&fn->stats.idle) == 0);
	begin(w, 1, fn);
	turn_until(w, 2);
	EXPECT(calls[1].inv.cold);
}

SCRIPT(retired_while_busy)
{
	struct function *fn = host_function("f", "xx", -1);

	begin(w, 0, fn); /* the keeper has its isolate */
	atomic_store(&fn->retired, true);
	pool_purge(w, fn);
	turn_until(w, 1);
	EXPECT(outcome(0) == OUTCOME_OK);
	EXPECT(atomic_load(&fn->stats.idle) == 0);
}

SCRIPT(retired_while_idle)
{
	struct function *fn = host_function("f", "xx", -1);

	begin(w, 0, fn);
	turn_until(w, 1);
	EXPECT(atomic_load(&fn->refs) == 2);
	control_retired(fn, w->rt);
	atomic_store(&fn->retired, true);
	while (atomic_load(&fn->stats.idle))
		host_turn(w);
	/* The isolate's and, by way of the control thread, the errand's. */
	while (atomic_load(&fn->refs) > 1)
		host_turn(w);
}

/* Isolates come back clean: nothing of the last owner's is left. */
SCRIPT(recycled_ones_are_empty, .isolates = 1)
{
	struct function *a = host_function("a", "xx", 0);
	struct function *b = host_function("b", "xx", 0);
	struct hostile_request count = {.what = HOSTILE_COUNT};

	for (int i = 0; i < 200; i++) {
		struct host_reply r =
			host_call(w, i % 2 ? a : b, &count, sizeof(count), 0);

		EXPECT(r.outcome == OUTCOME_OK && r.bytes[0] == 1);
	}
}

/* A preparation that the system refused costs nobody the slot. */
SCRIPT(failed_preparations_cost_no_slot, .isolates = 1)
{
	struct isolate *iso = seize(w);
	struct function *fn = host_function("f", "xx", KEEP);
	char *base = iso->base;

	iso->mapped = 0;
	/* As a bind that failed before anything was mapped. */
	iso->base = (char *)1;
	pool_return(&w->core->pool, iso);
	begin(w, 0, fn);
	turn_until(w, 1);
	EXPECT(outcome(0) == OUTCOME_NO_ISOLATE);
	iso->base = base;
	begin(w, 1, fn);
	turn_until(w, 2);
	EXPECT(outcome(1) == OUTCOME_OK);
}

/* The drain. --------------------------------------------------------------- */

SCRIPT(stops_what_never_ends, .grace_ns = 200 * CLOCK_MS, .stopped = true)
{
	struct function *fn = host_function("f", "xx", KEEP);
	struct hostile_request spin = {.what = HOSTILE_SPIN};

	EXPECT(host_call(w, fn, &spin, sizeof(spin), 0).outcome ==
		OUTCOME_DRAINING);
}

SCRIPT(ids_are_unique_and_sorted)
{
	struct function *fn = host_function("f", "xx", KEEP);
	char last[INSIDE_ID_MAX] = "";

	for (unsigned i = 0; i < 50; i++) {
		begin(w, 0, fn);
		turn_until(w, i + 1);
		EXPECT(strlen(calls[0].inv.id) == 26);
		EXPECT(strncmp(last, calls[0].inv.id, 10) <= 0);
		EXPECT(strcmp(last, calls[0].inv.id) != 0);
		strcpy(last, calls[0].inv.id);
	}
}

/* Control requests. -------------------------------------------------------- */

static struct request {
	struct control_req req;
	unsigned done;
	int outcome; /* of a trial load */
	struct function *fn;
} request;

static void request_done(struct control_req *req)
{
	container_of(req, struct request, req)->done++;
}

static void request_handle(struct control_req *req)
{
	control_reply(req, 201, "text/plain", strdup("hello"), 5);
}

static void request_handle_empty(struct control_req *req)
{
	control_reply(req, 204, NULL, NULL, 0);
}

static void request_loaded(
	struct control_req *req, const struct control_load *load)
{
	container_of(req, struct request, req)->outcome = load->end.outcome;
	EXPECT(req->state == &request);
	control_reply(req, 200, "text/plain", strdup(load->message),
		strlen(load->message));
}

static void request_handle_load(struct control_req *req)
{
	req->state = &request;
	EXPECT(control_load(req, request.fn, request_loaded) == 0);
}

static void submit(struct worker *w, control_fn *handle)
{
	uint64_t until = clock_now() + 2 * CLOCK_S;

	request.done = 0;
	request.req.handle = handle;
	request.req.done = request_done;
	control_submit(w, &request.req);
	while (!request.done && clock_now() < until)
		host_turn(w);
	EXPECT(request.done == 1);
}

SCRIPT(control_requests)
{
	submit(w, request_handle);
	EXPECT(request.req.status == 201);
	EXPECT(request.req.body_len == 5);
	EXPECT(memcmp(request.req.body, "hello", 5) == 0);
	control_release(&request.req);
	control_release(&request.req);
	submit(w, request_handle_empty);
	EXPECT(request.req.status == 204 && request.req.body == NULL);
	control_release(&request.req);
}

SCRIPT(control_loads)
{
	request.fn = host_function("f", "xx", KEEP);
	request.fn->code[0] = HOSTILE_READY;
	submit(w, request_handle_load);
	EXPECT(request.outcome == OUTCOME_OK);
	EXPECT(request.fn->version == 1);
	control_release(&request.req);
	request.fn = host_function("g", "xx", KEEP);
	request.fn->code[0] = HOSTILE_FAIL_LOAD;
	submit(w, request_handle_load);
	EXPECT(request.outcome == OUTCOME_LOAD_FAILED);
	EXPECT(memcmp(request.req.body, "why", 3) == 0);
	control_release(&request.req);
}

/* What can be seen. -------------------------------------------------------- */

static _Atomic unsigned seen;
static _Atomic bool looked;

static bool look_one(const struct runtime_isolate *iso, void *arg)
{
	(void)arg;
	EXPECT(strcmp(iso->state, "idle") == 0);
	EXPECT(strcmp(iso->function, "t/f") == 0);
	EXPECT(iso->calls == 2);
	EXPECT(iso->worker == 0);
	atomic_fetch_add(&seen, 1);
	return true;
}

static void request_look(struct control_req *req)
{
	static char text[65536];
	struct buf out;
	unsigned total = 7, held = 7;

	runtime_isolates(req->worker->rt, 0, look_one, NULL);
	runtime_keys(req->worker->rt, &total, &held);
	EXPECT(total == 0 && held == 0);
	buf_init(&out, text, sizeof(text) - 1);
	runtime_metrics(req->worker->rt, &out);
	EXPECT(out.len > 1000);
	EXPECT(strstr(out.ptr, "gvisord_isolates{state=\"idle\"} 1\n") != NULL);
	atomic_store(&looked, true);
	control_reply(req, 200, NULL, NULL, 0);
}

SCRIPT(view)
{
	struct function *fn = host_function("f", "xx", -1);

	begin(w, 0, fn);
	turn_until(w, 1);
	begin(w, 1, fn);
	turn_until(w, 2);
	submit(w, request_look);
	EXPECT(atomic_load(&looked) && atomic_load(&seen) == 1);
}
