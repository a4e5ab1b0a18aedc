/*
 * bench/keys: what do so many functions on so few keys cost?
 *
 *     keys [-f FUNCTIONS] [-n CALLS] [-c CLIENTS] [-m MOST] [-z ZIPF]...
 *
 * The whole runtime of the daemon, one worker, CLIENTS callers that each call
 * again when they have their reply. FUNCTIONS functions with a warm isolate
 * each are called, with each policy, some more often than others (bench/mux
 * has the same calls, on paper). -m: how many keys the worker asks for at once,
 * if not as many as the daemon's.
 *
 * Prints "popularity/clients/policy/what value": the percent of calls whose
 * isolate held a key, evictions and pages (of address space) retagged per call,
 * nanoseconds of CPU per call: the process's, that is worker and keeper, in the
 * kernel too. In the machine that counts instructions (tests/vm/run --icount)
 * that is how many they are. Of the calls after the first tenth.
 *
 * Trusted side; the worker sleeps when there is nothing to do, as in its ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "draw.h"
#include "engine/engine.h"
#include "sandbox/wsys.h"
#include "util/clock.h"

enum {
	FUNCTIONS_MAX = 10000,
	CLIENTS_MAX = 64,
	ZIPFS_MAX = 8,
	SLEEP_NS = 20000,
	ROOM = 64, /* isolates beside the functions' own */
};

struct client {
	struct invocation inv;
	bool busy;
};

/* As the first counted call begins, and as the last one has ended. */
struct reading {
	struct runtime_key_use use;
	uint64_t cpu_ns;
};

static struct bench {
	struct runtime rt;
	unsigned n_functions, n_clients, most;
	size_t n_calls;
	double zipf[ZIPFS_MAX];
	unsigned n_zipf;
	struct function *fn[FUNCTIONS_MAX];
	double sum[FUNCTIONS_MAX];
	uint64_t random;
	struct client client[CLIENTS_MAX];
	size_t issued, ended;
	struct result {
		double zipf;
		const char *policy;
		struct reading from, to;
	} result[ZIPFS_MAX * MUX_KINDS];
	unsigned n_results;
	uint64_t resident, owners; /* of those that hold keys */
} b = {.n_functions = FUNCTIONS_MAX, .n_calls = 20000, .n_clients = 1};

static const char code[] = "return function(event)\n"
			   "    return \"hello\"\n"
			   "end\n";

/* Calls. ------------------------------------------------------------------- */

static void ended(struct invocation *inv)
{
	CHECK(inv->outcome == OUTCOME_OK);
	bufpool_put(&inv->worker->pool, inv->reply);
	container_of(inv, struct client, inv)->busy = false;
	b.ended++;
}

static void call(struct worker *w, struct client *c, struct function *fn)
{
	static const char request[] = "{\"name\":\"Ada\"}";

	c->inv = (struct invocation){.fn = fn,
		.req = request,
		.req_len = sizeof(request) - 1,
		.done = ended};
	c->busy = true;
	b.issued++;
	invoke_start(w, &c->inv);
}

/* As the daemon's loop: what came, then sleep if that was nothing. */
static void turn(struct worker *w)
{
	static const struct timespec nap = {.tv_nsec = SLEEP_NS};
	static uint32_t never;
	static size_t seen;

	w->now = clock_now();
	(void)worker_poll(w);
	if (b.ended != seen) {
		seen = b.ended;
		return;
	}
	if (worker_may_sleep(w))
		(void)wsys_futex_wait(&never, 0, &nap);
	worker_awake(w);
}

static void pause_for(struct worker *w, uint64_t ns)
{
	uint64_t until = clock_now() + ns;

	while (clock_now() < until)
		turn(w);
}

static void read_now(struct reading *r)
{
	struct timespec t = {0};

	runtime_key_use(&b.rt, &r->use);
	(void)wsys_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	r->cpu_ns = (uint64_t)t.tv_sec * CLOCK_S + (uint64_t)t.tv_nsec;
}

/* n calls; which: the function of each. */
static void play(struct worker *w, size_t n, struct function *(*which)(void),
	struct reading *first)
{
	b.issued = b.ended = 0;
	while (b.ended < n) {
		w->now = clock_now();
		for (unsigned i = 0; i < b.n_clients && b.issued < n; i++) {
			if (b.client[i].busy)
				continue;
			if (b.issued == n / 10)
				read_now(first);
			call(w, &b.client[i], which());
		}
		turn(w);
	}
}

static struct function *each_in_turn(void)
{
	return b.fn[b.issued % b.n_functions];
}

static struct function *by_popularity(void)
{
	return b.fn[draw_rank(&b.random, b.sum, b.n_functions)];
}

/* Nothing is under way, so nobody looks at the policy. */
static void play_all(struct worker *w)
{
	for (unsigned z = 0; z < b.n_zipf; z++) {
		draw_popularity(b.sum, b.n_functions, b.zipf[z]);
		for (enum mux_kind k = 0; k < MUX_KINDS; k++) {
			struct result *r = &b.result[b.n_results++];

			*r = (struct result){.zipf = b.zipf[z],
				.policy = mux_policies[k].name};
			mux_set_policy(&b.rt.core->mux, &mux_policies[k], 1);
			b.random = DRAW_SEED;
			play(w, b.n_calls, by_popularity, &r->from);
			read_now(&r->to);
		}
	}
}

static void line(const struct result *r, const char *what, double value)
{
	printf("zipf-%.1f/%u/%s/%s %.2f\n", r->zipf, b.n_clients, r->policy,
		what, value);
}

static void print(const struct result *r)
{
	const struct runtime_key_use *from = &r->from.use, *to = &r->to.use;
	double n = (double)(b.n_calls - b.n_calls / 10);

	line(r, "hit_percent", 100 * (double)(to->hits - from->hits) / n);
	line(r, "evictions", (double)(to->evict - from->evict) / n);
	line(r, "pages", (double)(to->retagged - from->retagged) / n);
	line(r, "wait_percent", 100 * (double)(to->waits - from->waits) / n);
	line(r, "cpu_ns", (double)(r->to.cpu_ns - r->from.cpu_ns) / n);
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
	struct reading unused;

	(void)arg;
	if (b.most)
		w->core->keys.most = b.most;
	pause_for(w, 20 * CLOCK_MS);
	play(w, b.n_functions, each_in_turn, &unused);
	play_all(w);
	runtime_stop(&b.rt);
	while (!worker_must_stop(w) && !worker_draining(w))
		turn(w);
}

static void refuse(const char *why)
{
	(void)fprintf(stderr, "keys: %s\n", why);
	exit(1);
}

static void init(void)
{
	struct runtime_options opt = {
		.isolation = RUNTIME_AUTO,
		.workers = 1,
		.max_isolates = b.n_functions + ROOM,
		.max_functions = 16,
		.max_request = 1 << 20,
		.max_response = 1 << 20,
		.buffer_bytes = (size_t)1 << 26,
		.max_queue = CLIENTS_MAX,
		.queue_wait_ns = 60 * CLOCK_S,
		.grace_ns = CLOCK_S,
	};
	struct function_options fn = {
		.tenant = "bench",
		.engine = &engine_lua,
		.memory_bytes = ARENA_COMMON_BYTES,
		.timeout_ns = 60 * CLOCK_S,
		.idle_ttl_ns = -1,
	};
	char err[512] = "";

	if (runtime_init(&b.rt, &opt, err, sizeof(err)) < 0)
		refuse(err);
	for (unsigned i = 0; i < b.n_functions; i++) {
		(void)snprintf(fn.name, sizeof(fn.name), "f%u", i);
		b.fn[i] = function_new(&fn, code, sizeof(code) - 1, NULL);
		CHECK(b.fn[i]);
	}
}

static void add_resident(const struct runtime_domain *d, void *arg)
{
	(void)arg;
	b.resident += d->resident;
	b.owners += d->resident > 0;
}

static void options(int argc, char **argv)
{
	unsigned long n;
	int opt;

	while ((opt = getopt(argc, argv, "f:n:c:m:z:")) != -1) {
		if (opt == '?')
			exit(2);
		n = strtoul(optarg, NULL, 10);
		if (opt == 'f' && n > 0 && n <= FUNCTIONS_MAX)
			b.n_functions = (unsigned)n;
		else if (opt == 'n' && n >= 100)
			b.n_calls = n;
		else if (opt == 'c' && n > 0 && n <= CLIENTS_MAX)
			b.n_clients = (unsigned)n;
		else if (opt == 'm')
			b.most = (unsigned)n;
		else if (opt == 'z' && b.n_zipf < ZIPFS_MAX)
			b.zipf[b.n_zipf++] = strtod(optarg, NULL);
		else
			refuse("wrong arguments");
	}
	if (b.n_zipf == 0)
		refuse("which popularity? -z 0 for none");
}

int main(int argc, char **argv)
{
	static const struct worker_loop worker = {.setup = setup, .loop = loop};
	char err[512] = "";

	options(argc, argv);
	init();
	if (runtime_start(&b.rt, &worker, err, sizeof(err)) < 0)
		refuse(err);
	runtime_control(&b.rt);
	for (unsigned i = 0; i < b.n_results; i++)
		print(&b.result[i]);
	runtime_domains(&b.rt, add_resident, NULL);
	if (b.owners)
		printf("resident_pages %.1f\n",
			(double)b.resident / ISOLATE_PAGE / (double)b.owners);
	printf("isolation %s\n", b.rt.hardware ? "mpk" : "software");
	runtime_fini(&b.rt);
	return 0;
}
