/*
 * The runtime as a whole: start, the control thread's loop, drain. Trusted
 * side, first thread.
 *
 * Order of the start: keys are taken and the process is partitioned before any
 * other thread exists; every executable byte is looked at; the baseline filter
 * is loaded and inherited by all threads; each worker then confines itself and
 * tests its walls. Whatever fails stops the start.
 */
#include "core/runtime.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "core/audit.h"
#include "core/keeper.h"
#include "core/limiter.h"
#include "core/probe.h"
#include "core/runtime_core.h"
#include "core/selftest.h"
#include "core/warm.h"
#include "core/worker_core.h"
#include "pkey/fault.h"
#include "pkey/partition.h"
#include "pkey/tls.h"
#include "sandbox/filter.h"
#include "sandbox/jail.h"
#include "sandbox/scan_self.h"
#include "util/clock.h"
#include "util/cpu.h"
#include "util/log.h"

enum {
	BIG_PER_WORKER = 64,  /* slots for budgets over ARENA_COMMON_BYTES */
	STOP_GRACE_MS = 1000, /* for a loop to return once told to */
};

int thread_init(struct runtime *rt, bool pinned, struct gate_thread **ret)
{
	int r = jail_rseq_unregister();

	return r < 0 ? r : gate_thread_init(&rt->core->gate, pinned, ret);
}

int thread_mask(void)
{
	static const int open[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGURG};
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		sigdelset(&set, open[i]);
	return -pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static int failed(int r, char *err, size_t size, const char *what)
{
	snprintf(err, size, "%s: %s", what, strerror(-r));
	return r;
}

/* Isolation. --------------------------------------------------------------- */

static int runtime_choose(struct runtime *rt, const struct prim **ret_prim,
	char *err, size_t size)
{
	const char *why = NULL;
	bool must = rt->opt.require_mpk || rt->opt.isolation == RUNTIME_MPK;
	int r = -ENOTSUP;

	if (rt->opt.isolation == RUNTIME_SOFTWARE)
		why = "software isolation was asked for";
	else
		r = prim_probe(&why);
	if (r == 0 && tls_size() == 0) {
		why = "this is a dynamic (sanitizer) build";
		r = -ENOTSUP;
	}
	if (r == 0)
		r = probe_run(&why);
	*ret_prim = r == 0 ? &prim_mpk : &prim_soft;
	rt->hardware = r == 0;
	rt->why_software = r == 0 ? NULL : why;
	if (r == 0 || !must)
		return 0;
	snprintf(err, size, "protection keys are required: %s",
		why ? why : strerror(-r));
	return -ENOTSUP;
}

/* The wall stands, but not against speculation. */
static void runtime_warn(const struct runtime *rt)
{
	char line[128];

	if (rt->hardware &&
		cpu_meltdown("", line, sizeof(line)) != CPU_MELTDOWN_SAFE)
		log_warn("this processor may read past protection keys "
			 "speculatively (Meltdown)",
			LOG_STR("kernel_says", *line ? line : "nothing"));
}

/* True goes on: counts what is not the gate's. */
static bool runtime_foreign_hit(
	void *arg, const struct scan_hit *hit, const struct scan_map *map)
{
	struct runtime *rt = arg;

	if (gate_owns_instruction(hit->offset))
		return true;
	rt->core->foreign++;
	log_error("forbidden instruction in executable memory",
		LOG_STR("class", scan_class_name(hit->class)),
		LOG_HEX("address", hit->offset), LOG_STR("mapping", map->name));
	return true;
}

static int runtime_scan(struct runtime *rt)
{
	struct scan_self_sum sum;
	int r;

	if (!rt->hardware)
		return 0;
	r = scan_self(SCAN_RIGHTS, runtime_foreign_hit, rt, &sum);
	if (r < 0)
		return r;
	log_debug("scanned executable memory", LOG_U64("maps", sum.n_maps),
		LOG_U64("bytes", sum.n_bytes), LOG_U64("hits", sum.n_hits));
	return rt->core->foreign == 0 ? 0 : -EPERM;
}

/* A second lock on what the scan found good. Where the kernel has no mseal, or
 * the program is a dynamic one, the filters' refusals stand alone. */
static int runtime_seal(void)
{
	int r = partition_seal();

	return r == -ENOSYS || r == -ENOTSUP ? 0 : r;
}

static int runtime_isolate_process(struct runtime *rt, const struct prim *prim)
{
	struct runtime_core *core = rt->core;
	int r = keys_init(&core->keys, prim);

	if (r == 0)
		r = partition_apply(&core->keys);
	if (r == 0)
		r = gate_init(&core->gate, &core->keys);
	if (r == 0)
		r = gate_install_handlers(&core->gate);
	if (r == 0)
		r = thread_init(rt, false, &core->control);
	if (r == 0)
		r = runtime_scan(rt);
	if (r == 0)
		r = runtime_seal();
	domain_mux_init(&core->mux, &core->keys);
	mux_set_policy(
		&core->mux, &mux_policies[rt->opt.key_policy], clock_now());
	return r;
}

/* Workers. ----------------------------------------------------------------- */

static unsigned runtime_cpus(cpu_set_t *ret_set)
{
	CPU_ZERO(ret_set);
	if (sched_getaffinity(0, sizeof(*ret_set), ret_set) != 0)
		return 1;
	return (unsigned)CPU_COUNT(ret_set);
}

static unsigned runtime_nth_cpu(const cpu_set_t *set, unsigned n)
{
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set) && n-- == 0)
			return cpu;
	return 0;
}

/* A worker without a key to itself might wait for a key with none to evict. */
static unsigned runtime_worker_count(const struct runtime *rt, unsigned cpus)
{
	unsigned n = rt->opt.workers ? rt->opt.workers : cpus;
	unsigned keys = rt->core->keys.n_isolate;

	if (rt->hardware && n > keys)
		n = keys;
	if (n > GATE_MAX_THREADS - 4)
		n = GATE_MAX_THREADS - 4;
	return n;
}

static int worker_memory(struct runtime *rt, struct worker *w)
{
	struct worker_core *core = w->core;
	size_t count[ARENA_CLASSES] = {
		[ARENA_COMMON] = rt->core->per_worker,
		[ARENA_BIG] = BIG_PER_WORKER,
	};
	size_t first[ARENA_CLASSES];
	void *ring = mmap(NULL, WORKER_LOGRING_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (ring == MAP_FAILED)
		return err_errno();
	logring_init(&core->log, ring, WORKER_LOGRING_BYTES);
	core->log.wake = (void (*)(void *))doorbell_ring;
	core->log.wake_arg = &rt->doorbell;
	for (enum arena_class c = 0; c < ARENA_CLASSES; c++)
		first[c] = w->id * count[c];
	r = pool_init(&core->pool, w, &rt->core->arena, first, count);
	return r < 0 ? r : bufpool_init(&w->pool, rt->opt.buffer_bytes);
}

static int worker_init(struct runtime *rt, unsigned i, const cpu_set_t *cpus)
{
	struct worker *w = &rt->workers[i];
	struct worker_core *core =
		aligned_alloc(64, (sizeof(*core) + 63) & ~(size_t)63);

	if (!core)
		return -ENOMEM;
	memset(core, 0, sizeof(*core));
	w->core = core;
	w->id = i;
	w->rt = rt;
	core->worker = w;
	core->cpu = runtime_nth_cpu(cpus, i % (unsigned)CPU_COUNT(cpus));
	core->setup = 1;
	for (enum arena_class c = 0; c < ARENA_CLASSES; c++)
		list_init(&core->waiting[c]);
	ahead_init(&core->ahead);
	keyline_init(&core->keys,
		rt->hardware
			? keyline_most(rt->core->keys.n_isolate, rt->n_workers)
			: 0);
	limiter_init(w);
	inbox_init(&w->inbox);
	w->metrics = &core->metrics;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake_fd < 0)
		return err_errno();
	qsbr_register(&rt->qsbr, &core->reader);
	return worker_memory(rt, w);
}

static int runtime_workers(struct runtime *rt)
{
	size_t count[ARENA_CLASSES];
	cpu_set_t cpus;
	int r;

	rt->n_workers = runtime_worker_count(rt, runtime_cpus(&cpus));
	rt->core->per_worker = rt->opt.max_isolates / rt->n_workers;
	if (rt->core->per_worker == 0)
		rt->core->per_worker = 1;
	count[ARENA_COMMON] = rt->core->per_worker * rt->n_workers;
	count[ARENA_BIG] = (size_t)BIG_PER_WORKER * rt->n_workers;
	r = arena_init(&rt->core->arena, count);
	if (r < 0)
		return r;
	rt->workers = aligned_alloc(64, rt->n_workers * sizeof(*rt->workers));
	if (!rt->workers)
		return -ENOMEM;
	memset(rt->workers, 0, rt->n_workers * sizeof(*rt->workers));
	function_home(&rt->inbox, &rt->doorbell, rt->n_workers);
	for (unsigned i = 0; r == 0 && i < rt->n_workers; i++)
		r = worker_init(rt, i, &cpus);
	return r;
}

/* Life. -------------------------------------------------------------------- */

static int runtime_objects(struct runtime *rt)
{
	int r = runtime_workers(rt);

	if (r == 0)
		r = pressure_init(&rt->core->pressure, rt->opt.resident);
	if (r == 0)
		r = tenants_init(&rt->tenants, rt->opt.tenants,
			rt->opt.n_tenants, rt->n_workers);
	if (r < 0)
		return r;
	quota_init(
		&rt->core->memory, BUDGET_TOTAL_MEMORY, rt->opt.total_memory);
	rt->registry = registry_new(&rt->qsbr, rt->opt.max_functions);
	rt->keeper = keeper_new(rt);
	r = audit_init(rt);
	if (r < 0)
		return r;
	list_init(&rt->core->warms);
	rt->core->selftest = selftest_function();
	if (!rt->registry || !rt->keeper || !rt->core->selftest)
		return -ENOMEM;
	registry_on_retire(rt->registry, control_retired, rt);
	return 0;
}

int runtime_init(struct runtime *rt, const struct runtime_options *opt,
	char *err, size_t err_size)
{
	const struct prim *prim;
	int r;

	memset(rt, 0, sizeof(*rt));
	rt->opt = *opt;
	rt->core = aligned_alloc(64, (sizeof(*rt->core) + 63) & ~(size_t)63);
	if (!rt->core)
		return failed(-ENOMEM, err, err_size, "start");
	memset(rt->core, 0, sizeof(*rt->core));
	inbox_init(&rt->inbox);
	doorbell_init(&rt->doorbell);
	qsbr_init(&rt->qsbr);
	clock_init();
	metrics_init();
	tls_init();
	rt->started = clock_now();
	r = runtime_choose(rt, &prim, err, err_size);
	if (r < 0)
		return r;
	runtime_warn(rt);
	maps_init(&rt->core->maps, rt->opt.max_isolates);
	r = runtime_isolate_process(rt, prim);
	if (r < 0)
		return failed(r, err, err_size, "process isolation");
	r = runtime_objects(rt);
	return r < 0 ? failed(r, err, err_size,
			       "memory for workers (an isolate reserves 64 MiB "
			       "of address space: ulimit -v, limits.isolates)")
		     : 0;
}

static void runtime_wait(struct runtime *rt, uint32_t seen, uint64_t ns)
{
	doorbell_wait(&rt->doorbell, seen, ns);
}

static void runtime_await_workers(struct runtime *rt, unsigned started)
{
	for (;;) {
		uint32_t seen = doorbell_seen(&rt->doorbell);

		if (atomic_load(&rt->core->settled) >= started)
			return;
		runtime_wait(rt, seen, DOORBELL_FOREVER);
	}
}

static int runtime_worker_result(struct runtime *rt, char *err, size_t size)
{
	for (unsigned i = 0; i < rt->n_workers; i++) {
		struct worker_core *core = rt->workers[i].core;

		if (core->setup == 0)
			continue;
		snprintf(err, size, "worker %u: %s: %s", i, core->setup_what,
			strerror(-core->setup));
		return core->setup;
	}
	return 0;
}

int runtime_start(struct runtime *rt, const struct worker_loop *loop, char *err,
	size_t err_size)
{
	struct policy_params params = {.pid = getpid()};
	unsigned started = 0;
	int r = filter_load(&policy_baseline, &params);

	if (r < 0)
		return failed(r, err, err_size, "baseline filter");
	rt->core->loop = loop;
	r = keeper_start(rt->keeper);
	if (r < 0)
		return failed(r, err, err_size, "keeper thread");
	for (; r == 0 && started < rt->n_workers; started++) {
		struct worker *w = &rt->workers[started];

		w->core->loop = loop;
		atomic_fetch_add(&rt->core->loops, 1);
		r = -pthread_create(&w->core->thread, NULL, worker_main, w);
		w->core->started = r == 0;
	}
	if (r < 0)
		return failed(r, err, err_size, "worker thread");
	runtime_await_workers(rt, started);
	r = runtime_worker_result(rt, err, err_size);
	atomic_store(&rt->ready, r == 0);
	return r;
}

static void runtime_nudged(struct msg *msg)
{
	(void)msg;
}

/* Wakes every worker's loop for its look at the stop level. */
static void runtime_nudge(struct runtime *rt, int level)
{
	for (unsigned i = 0; i < rt->n_workers; i++) {
		struct worker *w = &rt->workers[i];
		struct msg *msg = &w->core->nudge[level - 1];

		msg->run = runtime_nudged;
		worker_post(w, msg);
	}
}

void runtime_stop(struct runtime *rt)
{
	/* From a signal handler: atomics and a futex wake alone. */
	if (atomic_load(&rt->stop) < 2)
		atomic_fetch_add(&rt->stop, 1);
	doorbell_ring(&rt->doorbell);
}

static void runtime_notified(struct gate_thread *thread, int sig)
{
	(void)sig;
	runtime_stop(thread->owner);
}

int runtime_stop_on(struct runtime *rt, int sig)
{
	rt->core->control->owner = rt;
	rt->core->control->notify = runtime_notified;
	return gate_notify(&rt->core->gate, sig);
}

static void runtime_logs(struct runtime *rt)
{
	for (unsigned i = 0; i < rt->n_workers; i++)
		(void)logring_drain(&rt->workers[i].core->log);
}

/* What the control thread has to do now, done. */
static void runtime_turn(struct runtime *rt)
{
	(void)msg_run_all(inbox_take(&rt->inbox));
	runtime_logs(rt);
	(void)qsbr_poll(&rt->qsbr);
}

/* Lines that came while others were written: their worker rings only for a log
 * that it finds drained. */
static bool runtime_logs_wait(struct runtime *rt)
{
	for (unsigned i = 0; i < rt->n_workers; i++)
		if (!logring_empty(&rt->workers[i].core->log))
			return true;
	return false;
}

/* Retired memory waits for the workers' next turns: look again soon. */
static uint64_t runtime_patience(struct runtime *rt)
{
	if (runtime_logs_wait(rt))
		return 0;
	return qsbr_poll(&rt->qsbr) ? 10 * CLOCK_MS : DOORBELL_FOREVER;
}

static void runtime_drain(struct runtime *rt)
{
	uint64_t until = clock_now() + rt->opt.grace_ns;
	int told = 0;

	atomic_store(&rt->ready, false);
	if (rt->core->loop->drain)
		rt->core->loop->drain(rt->core->loop->arg);
	while (atomic_load(&rt->core->loops) > 0) {
		uint32_t seen = doorbell_seen(&rt->doorbell);
		int level = atomic_load(&rt->stop);
		uint64_t now = clock_now();

		if (now >= until && level < 2) {
			atomic_store(&rt->stop, level = 2);
			until = now + STOP_GRACE_MS * CLOCK_MS;
		} else if (now >= until) {
			break;
		}
		while (told < level)
			runtime_nudge(rt, ++told);
		keeper_wake(rt->keeper);
		warm_drain(rt);
		runtime_turn(rt);
		if (atomic_load(&rt->core->loops) > 0)
			runtime_wait(rt, seen, until - now);
	}
	runtime_turn(rt);
}

void runtime_control(struct runtime *rt)
{
	while (!atomic_load(&rt->stop)) {
		uint32_t seen = doorbell_seen(&rt->doorbell);

		runtime_turn(rt);
		if (!atomic_load(&rt->stop))
			runtime_wait(rt, seen, runtime_patience(rt));
	}
	runtime_drain(rt);
}

/*
 * Workers are confined for good and stay asleep until the process ends; what
 * they use stays with them. Only what others could trip over is undone.
 */
void runtime_fini(struct runtime *rt)
{
	if (rt->keeper)
		keeper_stop(rt->keeper);
	runtime_logs(rt);
}
