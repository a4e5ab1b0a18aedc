/*
 * The runtime with a benchmark in the place of the network. Trusted side. The
 * worker spins where the daemon would sleep in its ring, so that no wake-up of
 * the kernel's is measured.
 */
#include "inproc.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "engine/engine.h"
#include "util/clock.h"

static const char code[] = "return function(event)\n"
			   "    return \"hello\"\n"
			   "end\n";

/* The file's bytes, in place of the code above. */
static struct engine_code native;

static bool busy;

static int inproc_setup(struct worker *w, void *arg, int *ret_ring_fd)
{
	(void)w;
	(void)arg;
	*ret_ring_fd = -1;
	return 0;
}

static void inproc_loop(struct worker *w, void *arg)
{
	struct inproc *b = arg;

	/* The first isolates are made ready. */
	inproc_pause(w, 20 * CLOCK_MS);
	b->work(b, w);
	runtime_stop(&b->rt);
}

static void inproc_refuse(const char *err)
{
	(void)fprintf(stderr, "bench: %s\n", err);
	exit(1);
}

void inproc_init(struct inproc *b, size_t max_isolates)
{
	struct runtime_options opt = {
		.isolation = RUNTIME_AUTO,
		.workers = 1,
		.max_isolates = max_isolates,
		.max_functions = 16,
		.max_request = 1 << 20,
		.max_response = 1 << 20,
		.buffer_bytes = (size_t)1 << 26,
		.max_queue = 16,
		.queue_wait_ns = CLOCK_S,
		.grace_ns = CLOCK_S,
	};
	char err[512] = "";

	if (runtime_init(&b->rt, &opt, err, sizeof(err)) < 0)
		inproc_refuse(err);
}

void inproc_native(const char *path)
{
	FILE *f = fopen(path, "re");
	static char bytes[4 << 20];

	if (!f)
		inproc_refuse("no such file");
	native = (struct engine_code){
		.bytes = bytes,
		.len = fread(bytes, 1, sizeof(bytes), f),
		.entry = "handler",
	};
	(void)fclose(f);
}

static struct function *inproc_native_function(struct function_options *opt)
{
	struct engine_verdict v;

	opt->engine = &engine_native;
	if (engine_native.admit(&native, &v) != 0)
		inproc_refuse(v.reason);
	return function_new(opt, native.bytes, native.len, v.program);
}

struct function *inproc_function(const char *name, int64_t ttl_ns, size_t bytes)
{
	struct function_options opt = {
		.tenant = "bench",
		.engine = &engine_lua,
		.memory_bytes = bytes,
		.timeout_ns = CLOCK_S,
		.idle_ttl_ns = ttl_ns,
	};
	struct function *fn;

	(void)snprintf(opt.name, sizeof(opt.name), "%s", name);
	fn = native.len ? inproc_native_function(&opt)
			: function_new(&opt, code, sizeof(code) - 1, NULL);
	CHECK(fn);
	return fn;
}

struct function *inproc_lua(const struct inproc_lua *what)
{
	struct function_options opt = {
		.tenant = "bench",
		.engine = &engine_lua,
		.memory_bytes = what->bytes,
		.timeout_ns = CLOCK_S,
		.idle_ttl_ns = what->ttl_ns,
		.contexts = what->contexts,
	};
	struct function *fn;

	(void)snprintf(opt.name, sizeof(opt.name), "%s", what->name);
	fn = function_new(&opt, what->code, what->len, NULL);
	CHECK(fn);
	return fn;
}

void inproc_run(struct inproc *b, inproc_fn *work, void *arg)
{
	const struct worker_loop loop = {
		.setup = inproc_setup,
		.loop = inproc_loop,
		.arg = b,
	};
	char err[512] = "";

	b->work = work;
	b->arg = arg;
	if (runtime_start(&b->rt, &loop, err, sizeof(err)) < 0)
		inproc_refuse(err);
	runtime_control(&b->rt);
	runtime_fini(&b->rt);
	printf("isolation %s\n", b->rt.hardware ? "mpk" : "software");
}

static void inproc_done(struct invocation *inv)
{
	struct inproc *b = container_of(inv, struct inproc, inv);

	CHECK(inv->outcome == OUTCOME_OK);
	CHECK(inv->load_only || inv->reply_len == 5);
	bufpool_put(&inv->worker->pool, inv->reply);
	b->done = true;
}

void inproc_busy(bool is)
{
	busy = is;
}

void inproc_turn(struct worker *w)
{
	w->now = clock_now();
	(void)worker_poll(w);
	if (!busy && worker_has_chores(w))
		worker_chore(w);
	/* An emulator that runs its CPUs in turn passes on to the next one here
	 * and nowhere else: a tag is a word between two CPUs in the kernel, and
	 * would take the keeper a tenth of a second. */
	if (inbox_empty(&w->inbox))
		__builtin_ia32_pause();
}

uint64_t inproc_call(
	struct inproc *b, struct worker *w, struct function *fn, bool load)
{
	static const char request[] = "{\"name\":\"Ada\"}";
	uint64_t begin = clock_now();

	b->inv = (struct invocation){
		.fn = fn,
		.req = request,
		.req_len = sizeof(request) - 1,
		.load_only = load,
		.prepare = load ? b->prepare : 0,
		.compiled = {.at = b->compiled, .room = b->compiled_room},
		.done = inproc_done,
	};
	b->done = false;
	w->now = begin;
	invoke_start(w, &b->inv);
	while (!b->done)
		inproc_turn(w);
	return b->inv.end_ns - begin;
}

void inproc_pause(struct worker *w, uint64_t ns)
{
	uint64_t until = clock_now() + ns;

	do
		inproc_turn(w);
	while (w->now < until);
}

static void inproc_asked(struct msg *msg)
{
	struct inproc *b = container_of(msg, struct inproc, msg);

	b->ask(b, NULL);
	atomic_store(&b->asking, false);
}

void inproc_ask(struct inproc *b, struct worker *w, inproc_fn *ask)
{
	b->ask = ask;
	b->msg.run = inproc_asked;
	atomic_store(&b->asking, true);
	(void)inbox_push(&b->rt.inbox, &b->msg);
	doorbell_ring(&b->rt.doorbell);
	while (atomic_load(&b->asking))
		inproc_turn(w);
}

static void inproc_give(struct inproc *b, struct worker *w)
{
	size_t len = b->inv.compiled.len;
	char *copy = malloc(len + 1);

	(void)w;
	CHECK(copy && len > 0);
	memcpy(copy, b->compiled, len);
	function_compiled(b->compiled_of, copy, len);
}

void inproc_compile(struct inproc *b, struct worker *w, struct function *fn)
{
	static char room[1 << 20];

	if (fn->program)
		return;
	b->compiled = room;
	b->compiled_room = sizeof(room);
	(void)inproc_call(b, w, fn, true);
	b->compiled_room = 0;
	b->compiled_of = fn;
	inproc_ask(b, w, inproc_give);
}

double inproc_kib(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	size_t len = strlen(name);
	char line[256];
	double kib = -1;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			kib = strtod(line + len + 1, NULL);
	(void)fclose(f);
	CHECK(kib >= 0);
	return kib;
}
