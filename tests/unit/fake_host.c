/* See fake_host.h. */
#include "fake_host.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_hostile.h"
#include "util/clock.h"
#include "util/log.h"

static struct host_notes {
	_Atomic unsigned bad;
	char what[8][160];
	_Atomic bool ended;
} * notes;

static struct runtime rt;
static const struct host_options *host_opt;

void host_expect(bool good, const char *what, int line)
{
	unsigned i;

	if (good)
		return;
	i = atomic_fetch_add(&notes->bad, 1);
	if (i < 8)
		snprintf(notes->what[i], sizeof(notes->what[i]), "line %d: %s",
			line, what);
}

/* The loop. ---------------------------------------------------------------- */

static int host_setup(struct worker *w, void *arg, int *ret_ring_fd)
{
	(void)w;
	(void)arg;
	*ret_ring_fd = -1;
	return 0;
}

void host_turn(struct worker *w)
{
	w->now = clock_now();
	(void)worker_poll(w);
	if (worker_has_chores(w))
		worker_chore(w);
}

static void host_loop(struct worker *w, void *arg)
{
	(void)arg;
	if (w->id == 0) {
		host_opt->script(w);
		atomic_store(&notes->ended, true);
		runtime_stop(w->rt);
	}
	while (!worker_draining(w))
		host_turn(w);
}

struct host_call {
	struct invocation inv;
	bool done;
};

static void host_done(struct invocation *inv)
{
	container_of(inv, struct host_call, inv)->done = true;
}

static struct host_reply host_wait(struct worker *w, struct host_call *c)
{
	struct host_reply r;

	while (!c->done)
		host_turn(w);
	memset(&r, 0, sizeof(r));
	r.outcome = c->inv.outcome;
	r.kind = c->inv.kind;
	r.cold = c->inv.cold;
	r.len = c->inv.reply_len;
	r.run_ns = c->inv.end_ns - c->inv.run_begin_ns;
	if (c->inv.reply.ptr)
		memcpy(r.bytes, c->inv.reply.ptr + INVOKE_HEADROOM,
			r.len < sizeof(r.bytes) - 1 ? r.len
						    : sizeof(r.bytes) - 1);
	bufpool_put(&w->pool, c->inv.reply);
	return r;
}

struct host_reply host_call(struct worker *w, struct function *fn,
	const void *req, size_t len, uint64_t timeout_ns)
{
	struct host_call c = {.inv = {.fn = fn,
				      .req = req,
				      .req_len = len,
				      .timeout_ns = timeout_ns,
				      .done = host_done}};

	w->now = clock_now();
	invoke_start(w, &c.inv);
	ahead_run(w);
	return host_wait(w, &c);
}

struct host_reply host_load(struct worker *w, struct function *fn)
{
	struct host_call c = {
		.inv = {.fn = fn, .load_only = true, .done = host_done}};

	w->now = clock_now();
	invoke_start(w, &c.inv);
	return host_wait(w, &c);
}

/* Scripts can't: no malloc on a worker. A fixed set is made before. */
static struct function *functions[16];
static size_t n_functions;

static const struct engine hostile_engine = {
	.name = "hostile",
	.memory_safe = true,
	.inside_main = hostile_main_in,
};

struct function *host_function(
	const char *name, const char *code, int64_t ttl_ns)
{
	struct function *fn = functions[n_functions++];

	host_expect(n_functions < 16, "enough functions", __LINE__);
	snprintf(fn->id, sizeof(fn->id), "t/%s", name);
	snprintf(fn->opt.name, sizeof(fn->opt.name), "%s", name);
	memcpy(fn->code, code, 2);
	fn->opt.idle_ttl_ns = ttl_ns;
	return fn;
}

void host_limit(struct function *fn, uint32_t concurrency, uint32_t rate)
{
	fn->limited = true;
	quota_init(&fn->concurrency, BUDGET_FUNCTION_CONCURRENCY, concurrency);
	rate_init(&fn->rate, BUDGET_FUNCTION_RATE, rate, 1);
}

static void host_functions(void)
{
	struct function_options opt = {
		.tenant = "t",
		.entry = "handler",
		.engine = &hostile_engine,
		.memory_bytes = 2 << 20,
		.timeout_ns = 20 * CLOCK_S,
		.owner = tenants_find(&rt.tenants, "t"),
	};

	for (size_t i = 0; i < 16; i++)
		functions[i] = function_new(&opt, "xx", 2, NULL);
}

/* The process. ------------------------------------------------------------- */

static void *host_stop(void *arg)
{
	(void)arg;
	usleep(100000);
	runtime_stop(&rt);
	return NULL;
}

static int host_child(void)
{
	static const struct worker_loop loop = {
		.setup = host_setup, .loop = host_loop};
	const struct host_options *o = host_opt;
	struct runtime_options opt = {
		.isolation = RUNTIME_SOFTWARE,
		.workers = 1,
		.max_isolates = o->isolates ? o->isolates : 64,
		.max_functions = 16,
		.max_request = 1 << 20,
		.max_response = 100000,
		.buffer_bytes = 64 << 20,
		.max_queue = o->no_queue ? 0
			     : o->queue	 ? o->queue
					 : 16,
		.queue_wait_ns = o->wait_ns ? o->wait_ns : 5 * CLOCK_S,
		.grace_ns = o->grace_ns ? o->grace_ns : 5 * CLOCK_S,
	};
	const struct log_config log = {
		.level = LOG_LEVEL_ERROR, .fd = STDERR_FILENO};
	const struct tenant_options tenant = {.name = "t",
		.concurrency = o->tenant_calls,
		.memory_bytes = (uint64_t)o->tenant_mb << 20,
		.cpu_percent = o->tenant_percent};
	char err[256];
	pthread_t stopper;

	opt.total_memory = o->memory;
	if (o->tenant_mb || o->tenant_calls || o->tenant_percent)
		opt.tenants = &tenant, opt.n_tenants = 1;

	log_configure(&log);
	if (runtime_init(&rt, &opt, err, sizeof(err)) < 0)
		return fprintf(stderr, "%s\n", err), 3;
	host_functions();
	if (o->stopped)
		(void)pthread_create(&stopper, NULL, host_stop, NULL);
	if (runtime_start(&rt, &loop, err, sizeof(err)) < 0)
		return fprintf(stderr, "%s\n", err), 4;
	runtime_control(&rt);
	runtime_fini(&rt);
	return 0;
}

void host_run(const struct host_options *opt)
{
	int status;
	pid_t pid;

	host_opt = opt;
	notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq((void *)notes, MAP_FAILED);
	pid = fork();
	if (pid == 0)
		_exit(host_child());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	for (unsigned i = 0; i < notes->bad && i < 8; i++)
		cr_expect_fail("%s", notes->what[i]);
	cr_assert(WIFEXITED(status), "died by signal %d", WTERMSIG(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
	cr_assert(atomic_load(&notes->ended));
}
