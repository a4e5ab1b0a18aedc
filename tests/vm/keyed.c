/*
 * The runtime on real keys, more functions than there are: what a call costs
 * that finds its isolate with a key, and one that does not; that many callers
 * are all served; and what becomes of a call when the kernel refuses to change
 * the key of pages.
 *
 * Each part is a process of its own with the whole runtime (keeper, a confined
 * worker, walls); its script runs on the worker in place of the network's loop.
 * Tags are counted, and made to fail, between the runtime and the kernel.
 * Prints TAP; runs in the PKU machine or on a host with keys, see meson.build.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "core/keeper.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "engine/engine.h"
#include "sandbox/wsys.h"
#include "tests/stress/tap.h"
#include "util/clock.h"
#include "util/log.h"

enum {
	FUNCTIONS = 40,
	CLIENTS = 64,
	HITS = 20,
	TRIES = 10,
	ROUNDS = 25, /* calls of each client */
};

/* What a part found out, in memory that its parent sees. */
static struct notes {
	bool ended;
	unsigned wrong;
	char what[8][120];
	unsigned long number[4];
} * notes;

static struct keyed {
	struct runtime rt;
	struct function *fn[FUNCTIONS];
	unsigned calls[FUNCTIONS]; /* answered by its present isolate */
	void (*script)(struct worker *w);
	struct prim prim;
	unsigned long tags;
	int fail_in; /* the n-th tag from now; 0: none */
	struct client {
		struct invocation inv;
		unsigned fn, n;
		bool busy;
	} client[CLIENTS];
} k;

static void note(bool good, const char *what, int line)
{
	if (good)
		return;
	if (notes->wrong < 8)
		(void)snprintf(notes->what[notes->wrong],
			sizeof(notes->what[0]), "line %d: %s", line, what);
	notes->wrong++;
}
#define EXPECT(condition) note((condition), #condition, __LINE__)

/* Between runtime and kernel. ---------------------------------------------- */

static int tag(void *addr, size_t len, int prot, int key)
{
	k.tags++;
	if (k.fail_in > 0 && --k.fail_in == 0)
		return -ENOMEM;
	return prim_mpk.tag(addr, len, prot, key);
}

/* Calls. ------------------------------------------------------------------- */

static void turn(struct worker *w)
{
	w->now = clock_now();
	(void)worker_poll(w);
}

static void pause_for(struct worker *w, uint64_t ns)
{
	uint64_t until = clock_now() + ns;

	while (clock_now() < until)
		turn(w);
}

static void ended(struct invocation *inv)
{
	container_of(inv, struct client, inv)->busy = false;
}

static void begin(struct worker *w, struct client *c, unsigned fn)
{
	c->fn = fn;
	c->busy = true;
	c->inv = (struct invocation){
		.fn = k.fn[fn], .req = "1", .req_len = 1, .done = ended};
	w->now = clock_now();
	invoke_start(w, &c->inv);
}

/* A function says its number, and how often this isolate was called. */
static bool answered(struct worker *w, struct client *c, unsigned *ret_n)
{
	unsigned fn = 0;
	char text[32] = "";
	bool good = c->inv.outcome == OUTCOME_OK && c->inv.reply_len < 32;

	if (good)
		memcpy(text, (char *)c->inv.reply.ptr + INVOKE_HEADROOM,
			c->inv.reply_len);
	bufpool_put(&w->pool, c->inv.reply);
	c->n++;
	return good && sscanf(text, "%u:%u", &fn, ret_n) == 2 && fn == c->fn;
}

static enum outcome call(struct worker *w, unsigned fn)
{
	struct client *c = &k.client[0];
	unsigned n = 0;
	bool good;

	begin(w, c, fn);
	while (c->busy)
		turn(w);
	good = answered(w, c, &n);
	if (c->inv.outcome != OUTCOME_OK)
		return c->inv.outcome;
	EXPECT(good && n == (c->inv.cold ? 1 : k.calls[fn] + 1));
	k.calls[fn] = n;
	return OUTCOME_OK;
}

static void call_all(struct worker *w)
{
	for (unsigned i = 0; i < FUNCTIONS; i++)
		EXPECT(call(w, i) == OUTCOME_OK);
}

/* Which function's isolate the next one takes its key from: the first one that
 * was called, if nobody was since. */
static void settle(struct worker *w)
{
	call_all(w);
	pause_for(w, 20 * CLOCK_MS);
}

/* Parts. ------------------------------------------------------------------- */

/* A worker that has forgotten its cookie dies of its first system call. */
static void hits_without_calls(struct worker *w)
{
	settle(w);
	for (unsigned i = 0; i < HITS; i++)
		EXPECT(call(w, 0) == OUTCOME_OK);
	notes->number[0] = k.tags;
	wsys_cookie = ~wsys_cookie;
	for (unsigned i = 0; i < HITS; i++)
		EXPECT(call(w, 0) == OUTCOME_OK);
	wsys_cookie = ~wsys_cookie;
	notes->number[1] = k.tags;
}

static void miss_without_calls(struct worker *w)
{
	settle(w);
	wsys_cookie = ~wsys_cookie;
	/* Not to a keeper that is awake. */
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		(void)call(w, i);
		pause_for(w, CLOCK_MS);
	}
	wsys_cookie = ~wsys_cookie;
}

static void miss_of_two_tags(struct worker *w)
{
	settle(w);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		unsigned long before = k.tags;

		EXPECT(call(w, i) == OUTCOME_OK);
		EXPECT(!k.client[0].inv.cold);
		EXPECT(k.tags == before + 2);
	}
	notes->number[0] = k.tags;
}

/* Everybody calls again and again, one function more often than others. */
static void serve_many(struct worker *w)
{
	unsigned next = 0, left = CLIENTS;
	uint64_t until = clock_now() + 60 * CLOCK_S;

	for (unsigned i = 0; i < CLIENTS; i++)
		k.client[i].n = 0;
	for (unsigned i = 0; i < CLIENTS; i++)
		begin(w, &k.client[i], next++ % FUNCTIONS);
	while (left > 0 && clock_now() < until) {
		turn(w);
		for (unsigned i = 0; i < CLIENTS; i++) {
			struct client *c = &k.client[i];
			unsigned n;

			if (c->busy || c->n > ROUNDS)
				continue;
			EXPECT(answered(w, c, &n));
			if (c->n == ROUNDS) {
				c->n++;
				left--;
			} else {
				begin(w, c,
					i % 4 ? (7 * c->n + i) % FUNCTIONS : 0);
			}
		}
	}
	EXPECT(left == 0);
}

static void count_use(void)
{
	struct runtime_key_use use;

	runtime_key_use(&k.rt, &use);
	notes->number[0] = use.waits;
	notes->number[1] = use.hits + use.free + use.evict;
	notes->number[2] = use.wait_ns;
	notes->number[3] = k.rt.core->mux.waits;
}

static void many_callers(struct worker *w)
{
	struct runtime_key_use use;

	settle(w);
	runtime_key_use(&k.rt, &use);
	serve_many(w);
	count_use();
	notes->number[1] -= use.hits + use.free + use.evict;
}

/* As many ask as there are callers: then all keys may be in use at times. */
static void all_ask(struct worker *w)
{
	w->core->keys.most = CLIENTS;
	many_callers(w);
}

static unsigned one_without_key(void)
{
	for (unsigned i = 0; i < FUNCTIONS; i++)
		if (!pool_resident(&k.rt.workers[0], k.fn[i]))
			return i;
	CHECK(false);
	return 0;
}

/* Every key is in use, as by so many workers: who comes stands in the keeper's
 * line until one is not. */
static void key_exhaustion(struct worker *w)
{
	struct domain_mux *mux = &k.rt.core->mux;
	struct client *c = &k.client[1];
	struct domain *owner[PRIM_KEYS];
	const unsigned n = mux->keys->n_isolate;
	unsigned calls;

	settle(w);
	for (unsigned i = 0; i < n; i++) {
		owner[i] = mux->slot[i].owner;
		EXPECT(domain_pin(owner[i]) >= 0);
	}
	begin(w, c, one_without_key());
	pause_for(w, 50 * CLOCK_MS);
	EXPECT(c->busy && mux->waits == 1);
	if (domain_unpin(mux, owner[n / 2], clock_now()))
		keeper_wake(k.rt.keeper);
	while (c->busy)
		turn(w);
	EXPECT(answered(w, c, &calls));
	EXPECT(domain_key(owner[n / 2]) < 0);
	for (unsigned i = 0; i < n; i++)
		if (i != n / 2)
			(void)domain_unpin(mux, owner[i], clock_now());
	k.calls[c->fn] = calls;
	call_all(w);
	count_use();
	EXPECT(notes->number[0] == 1 && notes->number[2] >= 50 * CLOCK_MS);
}

/* The function whose isolate was called longest ago and still has a key: that
 * key goes next. */
static unsigned next_victim(void)
{
	const struct domain_mux *mux = &k.rt.core->mux;
	const struct isolate *best = NULL;

	for (unsigned i = 0; i < mux->keys->n_isolate; i++) {
		const struct isolate *iso = container_of(
			mux->slot[i].owner, struct isolate, domain);

		CHECK(mux->slot[i].owner);
		if (!best || iso->domain.used < best->domain.used)
			best = iso;
	}
	for (unsigned i = 0; i < FUNCTIONS; i++)
		if (k.fn[i] == best->fn)
			return i;
	CHECK(false);
	return 0;
}

static void all_keys_are_held_once(void)
{
	unsigned total, held;

	runtime_keys(&k.rt, &total, &held);
	EXPECT(held == total);
}

static void failed_eviction(struct worker *w)
{
	unsigned victim;

	settle(w);
	victim = next_victim();
	k.fail_in = 1;
	/* Parked, since 40 have been called. */
	EXPECT(call(w, (victim + FUNCTIONS / 2) % FUNCTIONS) == OUTCOME_OK);
	EXPECT(k.fail_in == 0 && k.rt.core->mux.killed == 1);
	/* What it kept is gone, like after its time to live. */
	EXPECT(call(w, victim) == OUTCOME_OK);
	EXPECT(k.client[0].inv.cold);
	call_all(w);
	call_all(w);
	all_keys_are_held_once();
}

static void failed_lending(struct worker *w)
{
	unsigned fn;

	settle(w);
	fn = (next_victim() + FUNCTIONS / 2) % FUNCTIONS;
	k.fail_in = 2;
	EXPECT(call(w, fn) == OUTCOME_NO_ISOLATE);
	EXPECT(k.fail_in == 0 && k.rt.core->mux.killed == 1);
	EXPECT(call(w, fn) == OUTCOME_OK);
	EXPECT(k.client[0].inv.cold);
	call_all(w);
	call_all(w);
	all_keys_are_held_once();
}

/* The end of an isolate: its slot stays out of use, its key does not. */
static void failed_release(struct worker *w)
{
	unsigned fn;

	settle(w);
	EXPECT(call(w, 3) == OUTCOME_OK);
	k.fail_in = 1;
	pool_purge(w, k.fn[3]);
	pause_for(w, 50 * CLOCK_MS);
	EXPECT(k.fail_in == 0 && k.rt.core->mux.killed == 1);
	EXPECT(call(w, 3) == OUTCOME_OK);
	EXPECT(k.client[0].inv.cold);
	call_all(w);
	call_all(w);
	all_keys_are_held_once();
	for (fn = 0; fn < FUNCTIONS; fn++)
		EXPECT(atomic_load(&k.fn[fn]->stats.idle) == 1);
}

/* One in seven, whatever it is: errors come to those it concerns, the others
 * answer, and in the end all is as before. */
static void many_failures(struct worker *w)
{
	unsigned failed = 0;

	settle(w);
	for (unsigned i = 0; i < 10 * FUNCTIONS; i++) {
		enum outcome o;

		if (i % 7 == 0)
			k.fail_in = 1 + (int)(i / 7 % 3);
		o = call(w, i * 11 % FUNCTIONS);
		EXPECT(o == OUTCOME_OK || o == OUTCOME_NO_ISOLATE);
		failed += o != OUTCOME_OK;
	}
	k.fail_in = 0;
	notes->number[0] = failed;
	notes->number[1] = k.rt.core->mux.killed;
	pause_for(w, 20 * CLOCK_MS);
	call_all(w);
	call_all(w);
	all_keys_are_held_once();
}

/* The runtime. ------------------------------------------------------------- */

static int setup(struct worker *w, void *arg, int *ret_ring_fd)
{
	(void)w;
	(void)arg;
	*ret_ring_fd = -1;
	return 0;
}

static void loop(struct worker *w, void *arg)
{
	(void)arg;
	pause_for(w, 20 * CLOCK_MS);
	k.script(w);
	notes->ended = true;
	runtime_stop(&k.rt);
	while (!worker_draining(w))
		turn(w);
}

static void make_functions(void)
{
	struct function_options opt = {
		.tenant = "t",
		.engine = &engine_lua,
		.memory_bytes = 2 << 20,
		.timeout_ns = 60 * CLOCK_S,
		.idle_ttl_ns = -1,
	};
	char code[128];

	for (unsigned i = 0; i < FUNCTIONS; i++) {
		(void)snprintf(opt.name, sizeof(opt.name), "f%u", i);
		(void)snprintf(code, sizeof(code),
			"local n = 0\nreturn function()\n"
			"\tn = n + 1\n\treturn \"%u:\" .. n\nend\n",
			i);
		k.fn[i] = function_new(&opt, code, strlen(code), NULL);
		CHECK(k.fn[i]);
	}
}

static int live(enum mux_kind policy)
{
	static const struct worker_loop worker = {.setup = setup, .loop = loop};
	const struct runtime_options opt = {
		.isolation = RUNTIME_MPK,
		.require_mpk = true,
		.key_policy = policy,
		.workers = 1,
		.max_isolates = 4 * FUNCTIONS,
		.max_functions = 16,
		.max_request = 1 << 20,
		.max_response = 1 << 20,
		.buffer_bytes = (size_t)1 << 26,
		.max_queue = 2 * CLIENTS,
		.queue_wait_ns = 60 * CLOCK_S,
		.grace_ns = CLOCK_S,
	};
	const struct log_config log = {
		.level = LOG_LEVEL_ERROR, .fd = STDERR_FILENO};
	char err[512] = "";

	log_configure(&log);
	if (runtime_init(&k.rt, &opt, err, sizeof(err)) < 0)
		return fprintf(stderr, "%s\n", err), 3;
	make_functions();
	k.prim = *k.rt.core->keys.prim;
	k.prim.tag = tag;
	k.rt.core->keys.prim = &k.prim;
	if (runtime_start(&k.rt, &worker, err, sizeof(err)) < 0)
		return fprintf(stderr, "%s\n", err), 4;
	runtime_control(&k.rt);
	runtime_fini(&k.rt);
	return 0;
}

/* The status of a process that was one part. */
static int part(void (*script)(struct worker *w), enum mux_kind policy)
{
	int status;
	pid_t pid;

	memset(notes, 0, sizeof(*notes));
	(void)fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		k.script = script;
		_exit(live(policy));
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static bool went_well(int status)
{
	for (unsigned i = 0; i < notes->wrong && i < 8; i++)
		tap_say("%s", notes->what[i]);
	if (status != 0)
		tap_say("status %#x", (unsigned)status);
	return status == 0 && notes->ended && notes->wrong == 0;
}

static void try_well(
	const char *name, void (*script)(struct worker *w), enum mux_kind kind)
{
	bool good = went_well(part(script, kind));

	tap_say("%s: %lu %lu %lu %lu", name, notes->number[0], notes->number[1],
		notes->number[2], notes->number[3]);
	(void)tap_ok(good, "%s", name);
}

/* Now and then the keeper is rung that the worker is busy again, once in 50 ms:
 * that is not the call's, so a part that died is tried once more. */
static void try_hits(void)
{
	unsigned tries = 0;
	bool good;

	do
		good = went_well(part(hits_without_calls, MUX_LRU));
	while (!good && ++tries < TRIES);
	(void)tap_ok(good && notes->number[0] == notes->number[1],
		"%u hits make no system call and no tag (try %u)", HITS,
		tries + 1);
	(void)tap_ok(!went_well(part(miss_without_calls, MUX_LRU)),
		"... a miss does");
}

static void try_many(void (*script)(struct worker *w), enum mux_kind policy,
	const char *name)
{
	bool good = went_well(part(script, policy));

	tap_say("%lu of %lu calls waited, %lu at the keeper; %lu us each",
		notes->number[0], notes->number[1], notes->number[3],
		notes->number[0] ? notes->number[2] / notes->number[0] / 1000
				 : 0);
	(void)tap_ok(good, "%s, %s: each is served, by its own isolate", name,
		mux_policies[policy].name);
	(void)tap_ok(notes->number[1] == (unsigned long)CLIENTS * ROUNDS,
		"%s, %s: hit, free or evict, each once", name,
		mux_policies[policy].name);
	(void)tap_ok(notes->number[0] > 0 && notes->number[2] > 0,
		"%s, %s: waits are counted", name, mux_policies[policy].name);
}

int main(void)
{
	notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(notes != MAP_FAILED);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	try_hits();
	try_well("a miss is two tags", miss_of_two_tags, MUX_LRU);
	try_many(many_callers, MUX_LRU, "64 callers of 40 functions");
	try_many(many_callers, MUX_INTERVAL, "64 callers of 40 functions");
	try_many(all_ask, MUX_LRU, "64 callers, all ask");
	try_well("no key left: a line, and a wait", key_exhaustion, MUX_LRU);
	try_well("a failed eviction", failed_eviction, MUX_LRU);
	try_well("a failed lending", failed_lending, MUX_LRU);
	try_well("a failed release", failed_release, MUX_LRU);
	try_well("tags that fail all the time", many_failures, MUX_LRU);
	return tap_plan();
}
