/* A double of the core: see fake_core.h. */
#include "fake_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "core/keeper.h"
#include "core/warm.h"
#include "engine/engine.h"
#include "util/clock.h"

static struct fake_core *core;

/* Registry: a sorted list; the lock is the double's own business. */
static struct registry {
	pthread_mutex_t lock;
	struct function *fn[4096];
	size_t n;
	uint64_t version;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t registry_slot(const char *id, size_t len)
{
	size_t i = 0;

	for (; i < registry.n; i++) {
		int order = strncmp(registry.fn[i]->id, id, len);

		if (order > 0 ||
			(order == 0 && strlen(registry.fn[i]->id) >= len))
			break;
	}
	return i;
}

static bool slot_is(size_t i, const char *id, size_t len)
{
	return i < registry.n && strlen(registry.fn[i]->id) == len &&
	       memcmp(registry.fn[i]->id, id, len) == 0;
}

struct function *registry_find(struct registry *r, const char *id, size_t len)
{
	struct function *fn = NULL;
	size_t i;

	pthread_mutex_lock(&r->lock);
	i = registry_slot(id, len);
	if (slot_is(i, id, len))
		fn = r->fn[i];
	pthread_mutex_unlock(&r->lock);
	return fn;
}

int registry_publish(
	struct registry *r, struct function *fn, bool *ret_replaced)
{
	size_t i = registry_slot(fn->id, strlen(fn->id));

	if (slot_is(i, fn->id, strlen(fn->id))) {
		struct function *old = r->fn[i];

		if (old->code_len == fn->code_len &&
			memcmp(old->code, fn->code, fn->code_len) == 0)
			return REGISTRY_E_SAME;
		fn->version = old->version + 1;
		r->fn[i] = fn;
		*ret_replaced = true;
		return 0;
	}
	if (r->n == 4096)
		return REGISTRY_E_FULL;
	pthread_mutex_lock(&r->lock);
	memmove(&r->fn[i + 1], &r->fn[i], (r->n - i) * sizeof(r->fn[0]));
	fn->version = 1;
	r->fn[i] = fn;
	r->n++;
	pthread_mutex_unlock(&r->lock);
	*ret_replaced = false;
	return 0;
}

bool registry_has(struct registry *r, const struct function *fn)
{
	const struct function *old = registry_find(r, fn->id, strlen(fn->id));

	return old && old->code_len == fn->code_len &&
	       memcmp(old->code, fn->code, fn->code_len) == 0;
}

void registry_discard(struct registry *r, struct function *fn)
{
	(void)r;
	(void)fn;
}

int registry_remove(struct registry *r, const char *id)
{
	size_t i = registry_slot(id, strlen(id));

	if (!slot_is(i, id, strlen(id)))
		return REGISTRY_E_NOT_FOUND;
	pthread_mutex_lock(&r->lock);
	r->n--;
	memmove(&r->fn[i], &r->fn[i + 1], (r->n - i) * sizeof(r->fn[0]));
	pthread_mutex_unlock(&r->lock);
	return 0;
}

size_t registry_count(struct registry *r)
{
	return r->n;
}

void registry_each(struct registry *r, const char *after,
	registry_visit_fn *visit, void *arg)
{
	for (size_t i = 0; i < r->n; i++)
		if (!after || strcmp(r->fn[i]->id, after) > 0)
			if (!visit(r->fn[i], arg))
				return;
}

/* They lie about until the process ends: this is a test. */
enum {
	MADE_MAX = 8192
};
static struct function *made[MADE_MAX];
static size_t n_made;

struct function *function_new(const struct function_options *opt,
	const void *code, size_t code_len, struct program *program)
{
	struct function *fn = calloc(1, sizeof(*fn) + 256);

	CHECK(n_made < MADE_MAX);
	made[n_made++] = fn;
	CHECK(!program);
	fn->refs = 1;
	fn->opt = *opt;
	fn->code = malloc(code_len + 1);
	memcpy(fn->code, code, code_len);
	fn->code_len = code_len;
	fn->created = clock_real();
	(void)snprintf(fn->id, sizeof(fn->id), "%s/%s", opt->tenant, opt->name);
	memset(fn->digest, '0', FUNCTION_DIGEST_HEX - 1);
	return fn;
}

void function_get(struct function *fn)
{
	atomic_fetch_add(&fn->refs, 1);
}

void function_put(struct function *fn)
{
	CHECK(atomic_fetch_sub(&fn->refs, 1) > 0);
}

/* Invocations. */

static struct list waiting; /* t/slow, in order */

static void answer(struct invocation *inv, const void *p, size_t len)
{
	inv->reply = bufpool_get(&inv->worker->pool, INVOKE_HEADROOM + len);
	CHECK(inv->reply.ptr);
	if (p)
		memcpy(inv->reply.ptr + INVOKE_HEADROOM, p, len);
	else
		memset(inv->reply.ptr + INVOKE_HEADROOM, 'x', len);
	inv->reply_len = len;
	inv->end_ns = clock_now();
	inv->done(inv);
}

void invoke_start(struct worker *w, struct invocation *inv)
{
	const char *name = inv->fn->opt.name;

	inv->worker = w;
	inv->outcome = OUTCOME_OK;
	inv->kind = INSIDE_REPLY_JSON;
	inv->reply.ptr = NULL;
	inv->reply_len = 0;
	inv->cold = atomic_fetch_add(&inv->fn->stats.calls, 1) == 0;
	inv->begin_ns = inv->run_begin_ns = clock_now();
	(void)strcpy(inv->id, "01HZZZZZZZZZZZZZZZZZZZZZZZ");
	if (strcmp(name, "slow") == 0) {
		list_push_back(&waiting, &inv->link);
	} else if (strcmp(name, "fail") == 0) {
		inv->outcome = OUTCOME_ERROR;
		answer(inv, "it raised", 9);
	} else if (strcmp(name, "crash") == 0) {
		inv->outcome = OUTCOME_CRASHED;
		inv->end_ns = clock_now();
		inv->done(inv);
	} else if (strcmp(name, "big") == 0) {
		answer(inv, NULL, 4 << 20);
	} else {
		answer(inv, inv->req_len ? inv->req : "null",
			inv->req_len ? inv->req_len : 4);
	}
}

uint64_t worker_poll(struct worker *w)
{
	const uint64_t slow = 50 * CLOCK_MS;
	struct list *l;

	(void)msg_run_all(inbox_take(&w->inbox));
	while ((l = list_first(&waiting))) {
		struct invocation *inv =
			container_of(l, struct invocation, link);

		if (inv->begin_ns + slow > w->now)
			return inv->begin_ns + slow;
		list_remove(l);
		answer(inv, inv->req_len ? inv->req : "null",
			inv->req_len ? inv->req_len : 4);
	}
	return UINT64_MAX;
}

/* Threads. */

bool worker_has_chores(const struct worker *w)
{
	(void)w;
	return false;
}

void worker_chore(struct worker *w)
{
	(void)w;
}

void worker_post(struct worker *w, struct msg *msg)
{
	uint64_t one = 1;

	(void)inbox_push(&w->inbox, msg);
	if (atomic_load(&w->sleeping))
		CHECK(write(w->wake_fd, &one, sizeof(one)) == sizeof(one));
}

bool worker_may_sleep(struct worker *w)
{
	atomic_store(&w->sleeping, true);
	return inbox_empty(&w->inbox);
}

void worker_awake(struct worker *w)
{
	atomic_store(&w->sleeping, false);
}

/* The one worker's connections stay with it: nobody asks. */
void keeper_post(struct keeper *k, struct msg *msg)
{
	(void)k;
	(void)msg;
	CHECK(!"a keeper");
}

bool worker_running(const struct worker *w)
{
	(void)w;
	return false;
}

bool worker_stuck(const struct worker *w)
{
	(void)w;
	return false;
}

bool worker_draining(const struct worker *w)
{
	return atomic_load_explicit(&w->rt->stop, memory_order_relaxed) > 0;
}

bool worker_must_stop(const struct worker *w)
{
	return atomic_load_explicit(&w->rt->stop, memory_order_relaxed) > 1;
}

static void run_handle(struct msg *msg)
{
	struct control_req *req = container_of(msg, struct control_req, msg);

	req->handle(req);
}

static void run_done(struct msg *msg)
{
	struct control_req *req = container_of(msg, struct control_req, msg);

	req->done(req);
}

void control_submit(struct worker *w, struct control_req *req)
{
	(void)w;
	req->msg.run = run_handle;
	(void)inbox_push(&core->rt.inbox, &req->msg);
	doorbell_ring(&core->rt.doorbell);
}

void control_reply(struct control_req *req, int status, const char *media_type,
	char *body, size_t body_len)
{
	req->status = status;
	req->media_type = media_type;
	req->body = body;
	req->body_len = body_len;
	req->msg.run = run_done;
	worker_post(req->worker, &req->msg);
}

void control_release(struct control_req *req)
{
	free(req->body);
	req->body = NULL;
}

static struct ending core_ending(void)
{
	return (struct ending){.outcome = core->last_load,
		.met = core->last_met,
		.retry_ns = core->last_retry_ns};
}

int control_load(
	struct control_req *req, struct function *fn, control_loaded_fn *then)
{
	struct control_load load = {.end = core_ending()};

	(void)fn;
	if (load.end.outcome != OUTCOME_OK)
		(void)strcpy(load.message, "line 1: it is not code");
	then(req, &load);
	return 0;
}

static void *control_main(void *arg)
{
	struct fake_core *f = arg;

	while (!atomic_load(&f->stop_control)) {
		uint32_t seen = doorbell_seen(&f->rt.doorbell);

		if (msg_run_all(inbox_take(&f->rt.inbox)) == 0)
			doorbell_wait(&f->rt.doorbell, seen, CLOCK_S / 10);
	}
	return NULL;
}

static void *worker_main(void *arg)
{
	struct fake_core *f = arg;
	struct worker_loop *l = &f->server.loop;
	int fd;

	CHECK(l->setup(&f->worker, l->arg, &fd) == 0);
	l->loop(&f->worker, l->arg);
	return NULL;
}

/* The rest of the runtime. */

int control_warm(struct control_req *req, struct function *fn, size_t n,
	control_warmed_fn *then)
{
	struct control_warmed w = {
		.fn = fn, .idle = 1, .made = n - 1, .load.end = core_ending()};

	if (w.load.end.outcome != OUTCOME_OK)
		(void)strcpy(w.load.message, "there is no room");
	then(req, &w);
	return 0;
}

/* Two, at the places 5 and 9. */
void runtime_isolates(
	struct runtime *rt, uint64_t from, runtime_isolate_fn *visit, void *arg)
{
	static const struct runtime_isolate all[] = {
		{.id = 7,
			.state = "idle",
			.function = "t/echo",
			.key = -1,
			.place = 5},
		{.id = 8,
			.state = "busy",
			.function = "t/echo",
			.key = 3,
			.place = 9}};

	(void)rt;
	for (size_t i = 0; i < 2; i++)
		if (all[i].place >= from && !visit(&all[i], arg))
			return;
}

size_t runtime_isolate_count(struct runtime *rt)
{
	(void)rt;
	return 2;
}

/* Key 3 is lent, key 4 is not. */
void runtime_domains(struct runtime *rt, runtime_domain_fn *visit, void *arg)
{
	struct runtime_domain d = {.key = 3,
		.owned = true,
		.owner = {.id = 8, .state = "busy", .function = "t/echo"},
		.pins = 1,
		.resident = 8192,
		.hits = 6,
		.binds = 5,
		.steals = 4};

	(void)rt;
	visit(&d, arg);
	d = (struct runtime_domain){.key = 4};
	visit(&d, arg);
}

void runtime_key_use(struct runtime *rt, struct runtime_key_use *ret)
{
	(void)rt;
	*ret = (struct runtime_key_use){.hits = 10,
		.free = 2,
		.evict = 3,
		.waits = 1,
		.wait_ns = 1500000,
		.retagged = 64};
}

void runtime_keys(struct runtime *rt, unsigned *ret_total, unsigned *ret_held)
{
	(void)rt;
	*ret_total = 13;
	*ret_held = 2;
}

void runtime_metrics(struct runtime *rt, struct buf *out)
{
	struct metrics_block *blocks[] = {&core->metrics};

	(void)rt;
	metrics_text(out, blocks, 1);
}

static int admit(const struct engine_code *code, struct engine_verdict *ret)
{
	*ret = (struct engine_verdict){0};
	if (code->len >= 3 && memcmp(code->bytes, "bad", 3) == 0) {
		(void)snprintf(
			ret->reason, sizeof(ret->reason), "offset 0: bad");
		return ENGINE_E_REJECTED;
	}
	return 0;
}

static const struct engine fake_lua = {.name = "lua",
	.media_type = "text/x-lua",
	.memory_safe = true,
	.admit = admit};
static const struct engine fake_native = {.name = "native",
	.media_type = "application/x-sharedlib",
	.admit = admit};
static const struct engine *const fake_engines[] = {
	&fake_lua, &fake_native, NULL};

static void publish(const char *name)
{
	struct function_options o = {.engine = &fake_lua,
		.tenant = "t",
		.entry = "handler",
		.memory_bytes = 64 << 20,
		.timeout_ns = CLOCK_S,
		.idle_ttl_ns = CLOCK_S};
	bool replaced;

	(void)strcpy(o.name, name);
	(void)registry_publish(&registry,
		function_new(&o, name, strlen(name), NULL), &replaced);
}

void fake_core_start(struct fake_core *f, const struct server_options *opt)
{
	struct server_options o = opt ? *opt : (struct server_options){0};
	char err[256];

	*f = (struct fake_core){
		.last_load = OUTCOME_OK, .last_met = BUDGET_NONE};
	core = f;
	registry.n = 0;
	list_init(&waiting);
	clock_init();
	metrics_init();
	engines_set(fake_engines);
	f->rt.n_workers = 1;
	f->rt.workers = &f->worker;
	f->rt.registry = &registry;
	f->rt.started = clock_now();
	atomic_store(&f->rt.ready, true);
	inbox_init(&f->rt.inbox);
	doorbell_init(&f->rt.doorbell);
	f->worker.rt = &f->rt;
	f->worker.metrics = &f->metrics;
	inbox_init(&f->worker.inbox);
	f->worker.wake_fd = eventfd(0, EFD_CLOEXEC);
	CHECK(f->worker.wake_fd >= 0);
	CHECK(bufpool_init(&f->worker.pool, (size_t)256 << 20) == 0);
	(void)snprintf(f->socket, sizeof(f->socket), "/tmp/gv-test-%d.sock",
		(int)getpid());
	o.socket = f->socket;
	o.tcp[0] = o.tcp[0] ? o.tcp[0] : "127.0.0.1:0";
	publish("echo");
	publish("slow");
	publish("fail");
	publish("crash");
	publish("big");
	CHECK(server_init(&f->server, &f->rt, &o) == 0);
	if (server_listen(&f->server, err, sizeof(err)) < 0) {
		(void)fprintf(stderr, "listen: %s\n", err);
		abort();
	}
	CHECK(!pthread_create(&f->worker_thread, NULL, worker_main, f));
	CHECK(!pthread_create(&f->control_thread, NULL, control_main, f));
}

void fake_core_stop(struct fake_core *f)
{
	uint64_t one = 1;

	atomic_store(&f->rt.stop, 1);
	CHECK(write(f->worker.wake_fd, &one, sizeof(one)) == sizeof(one));
	CHECK(!pthread_join(f->worker_thread, NULL));
	atomic_store(&f->stop_control, true);
	doorbell_ring(&f->rt.doorbell);
	CHECK(!pthread_join(f->control_thread, NULL));
	server_fini(&f->server);
	CHECK(f->worker.pool.used_bytes == 0);
	bufpool_fini(&f->worker.pool);
	(void)close(f->worker.wake_fd);
}
