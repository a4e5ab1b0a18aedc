/* Isolates made ready ahead of calls. Scripts on a real worker; see
 * fake_host.h. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/runtime_core.h"
#include "core/warm.h"
#include "fake_host.h"
#include "fake_hostile.h"
#include "util/clock.h"

enum {
	KEEP = 1000000000,
};

#define SCRIPT(name, ...) HOST_SCRIPT(warm, name, __VA_ARGS__)

static struct request {
	struct control_req req;
	struct function *fn;
	size_t n;
	unsigned done;
	struct control_warmed got;
} request;

static void request_done(struct control_req *req)
{
	container_of(req, struct request, req)->done++;
}

static void warmed(struct control_req *req, const struct control_warmed *got)
{
	EXPECT(req->state == &request);
	request.got = *got;
	control_reply(req, 200, NULL, NULL, 0);
}

static void handle(struct control_req *req)
{
	req->state = &request;
	EXPECT(control_warm(req, request.fn, request.n, warmed) == 0);
}

static const struct control_warmed *warm(
	struct worker *w, struct function *fn, size_t n)
{
	uint64_t until = clock_now() + 5 * CLOCK_S;

	request = (struct request){.req.handle = handle,
		.req.done = request_done,
		.fn = fn,
		.n = n};
	control_submit(w, &request.req);
	while (!request.done && clock_now() < until)
		host_turn(w);
	EXPECT(request.done == 1);
	return &request.got;
}

static struct function *function(const char *name, enum hostile load)
{
	struct function *fn = host_function(name, "xx", KEEP * INT64_C(60));

	fn->code[0] = (char)load;
	return fn;
}

static void gives(const struct control_warmed *got, enum outcome outcome,
	size_t idle, size_t made)
{
	EXPECT(got->load.end.outcome == outcome);
	EXPECT(got->idle == idle);
	EXPECT(got->made == made);
}

SCRIPT(makes_what_is_lacking)
{
	struct function *fn = function("f", HOSTILE_READY);

	gives(warm(w, fn, 3), OUTCOME_OK, 0, 3);
	EXPECT(atomic_load(&fn->stats.idle) == 3);
	gives(warm(w, fn, 3), OUTCOME_OK, 3, 0);
	gives(warm(w, fn, 1), OUTCOME_OK, 3, 0);
	gives(warm(w, fn, 20), OUTCOME_OK, 3, 17);
	EXPECT(atomic_load(&fn->stats.idle) == 20);
	/* Nobody has called it. */
	EXPECT(atomic_load(&fn->stats.calls) == 0);
	EXPECT(atomic_load(&fn->stats.cold_starts) == 0);
	EXPECT(atomic_load(&fn->stats.busy) == 0);
	EXPECT(w->core->n_waiting == 0);
}

SCRIPT(calls_find_them)
{
	static const struct hostile_request echo = {.what = HOSTILE_ECHO};
	struct function *fn = function("f", HOSTILE_READY);

	(void)warm(w, fn, 2);
	EXPECT(!host_call(w, fn, &echo, sizeof(echo), 0).cold);
	EXPECT(atomic_load(&fn->stats.idle) == 2);
}

SCRIPT(a_load_that_fails_is_the_last)
{
	struct function *fn = function("f", HOSTILE_FAIL_LOAD);
	const struct control_warmed *got = warm(w, fn, 5);

	gives(got, OUTCOME_LOAD_FAILED, 0, 0);
	EXPECT(strncmp(got->load.message, "why", 3) == 0);
	EXPECT(atomic_load(&fn->stats.idle) == 0);
}

SCRIPT(no_room_for_all, .isolates = 4)
{
	struct function *a = function("a", HOSTILE_READY);
	struct function *b = function("b", HOSTILE_READY);

	gives(warm(w, a, 5), OUTCOME_NO_ISOLATE, 0, 0);
	EXPECT(strstr(request.got.load.message, "room for 4 more") != NULL);
	EXPECT(request.got.load.end.met == BUDGET_ISOLATES);
	EXPECT(atomic_load(&a->stats.idle) == 0);
	gives(warm(w, a, 3), OUTCOME_OK, 0, 3);
	/* Idle ones of another function stay. */
	gives(warm(w, b, 2), OUTCOME_NO_ISOLATE, 0, 0);
	gives(warm(w, b, 1), OUTCOME_OK, 0, 1);
	EXPECT(atomic_load(&a->stats.idle) == 3);
	gives(warm(w, a, 4), OUTCOME_NO_ISOLATE, 3, 0);
}

SCRIPT(a_version_that_is_gone)
{
	struct function *fn = function("f", HOSTILE_READY);

	atomic_store(&fn->retired, true);
	gives(warm(w, fn, 2), OUTCOME_NOT_FOUND, 0, 0);
	EXPECT(atomic_load(&fn->stats.idle) == 0);
}
