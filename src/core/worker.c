/*
 * A worker thread: its set-up, its confinement, and the core's turn in its
 * loop. Trusted side. After worker_confine() no system call but those of
 * sandbox/wsys.h is left to it, and no malloc.
 */
#include "core/worker.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "core/keeper.h"
#include "core/limiter.h"
#include "core/runtime_core.h"
#include "core/selftest.h"
#include "core/worker_core.h"
#include "sandbox/dispatch.h"
#include "sandbox/filter.h"
#include "sandbox/jail.h"
#include "sandbox/wsys.h"
#include "util/clock.h"
#include "util/log.h"

/* How long a free buffer keeps its pages for the next one who wants it. */
#define GIVE_BACK_NS (20 * CLOCK_MS)

/* Services for this folder. ------------------------------------------------ */

void worker_random(struct worker *w, void *buf, size_t len)
{
	struct worker_core *core = w->core;
	char *to = buf;

	while (len > 0) {
		uint64_t r =
			siphash(core->seed, &core->drawn, sizeof(core->drawn));
		size_t n = len < sizeof(r) ? len : sizeof(r);

		core->drawn++;
		memcpy(to, &r, n);
		to += n;
		len -= n;
	}
}

void worker_copy_in(struct worker *w, struct isolate *iso, uint64_t at,
	const void *src, size_t len)
{
	CHECK_SLOW(isolate_contains(iso, at, len));
	gate_copy_in(&w->rt->core->gate, domain_key(&iso->domain), (void *)at,
		src, len);
}

void worker_copy_out(struct worker *w, struct isolate *iso, void *dst,
	uint64_t at, size_t len)
{
	CHECK_SLOW(isolate_contains(iso, at, len));
	gate_copy_out(&w->rt->core->gate, domain_key(&iso->domain), dst,
		(const void *)at, len);
}

/* The loop's calls. -------------------------------------------------------- */

static void worker_idle_returned(struct msg *msg)
{
	struct worker_core *core =
		container_of(msg, struct worker_core, idle_msg);
	struct worker *w = core->worker;

	bufpool_idle_return(&w->pool, core->idle_block);
	core->idle_out = false;
}

static void worker_idle_clean(struct msg *msg)
{
	struct worker_core *core =
		container_of(msg, struct worker_core, idle_msg);

	keeper_discard(core->idle_block.ptr, core->idle_block.cap);
	msg->run = worker_idle_returned;
	worker_post(core->worker, msg);
}

/*
 * One free buffer at a time goes to the keeper and comes back without pages;
 * not in the rush of work, where it would be wanted again at once. Returns when
 * to look again.
 */
static uint64_t worker_give_back(struct worker *w)
{
	struct worker_core *core = w->core;

	if (core->idle_out || bufpool_idle_bytes(&w->pool) == 0)
		return UINT64_MAX;
	if (core->give_back_at == 0)
		core->give_back_at = w->now + GIVE_BACK_NS;
	if (w->now < core->give_back_at)
		return core->give_back_at;
	core->give_back_at = 0;
	if (!bufpool_idle_take(&w->pool, &core->idle_block))
		return UINT64_MAX;
	core->idle_out = true;
	core->idle_msg.run = worker_idle_clean;
	keeper_post(w->rt->keeper, &core->idle_msg);
	return UINT64_MAX;
}

uint64_t worker_poll(struct worker *w)
{
	uint64_t reap, give, slots, queue, limits;

	qsbr_quiescent(&w->core->reader);
	(void)msg_run_all(inbox_take(&w->inbox));
	ahead_run(w);
	invoke_waiting(w);
	limiter_look(w);
	/* No isolate runs any more: what runs leaves something to reap. */
	reap = pool_reap(&w->core->pool, w->now);
	give = worker_give_back(w);
	slots = pool_give_back(&w->core->pool, w->now);
	queue = invoke_expire(w);
	limits = limiter_expire(w);
	if (give < reap)
		reap = give;
	if (slots < reap)
		reap = slots;
	if (limits < reap)
		reap = limits;
	return queue < reap ? queue : reap;
}

void worker_post(struct worker *w, struct msg *msg)
{
	uint64_t one = 1;

	(void)inbox_push(&w->inbox, msg);
	if (!atomic_exchange(&w->sleeping, false))
		return;
	if (write(w->wake_fd, &one, sizeof(one)) != sizeof(one))
		CHECK(errno == EAGAIN);
}

bool worker_has_chores(const struct worker *w)
{
	return w->core->prepare.n > 0 && !worker_draining(w);
}

void worker_chore(struct worker *w)
{
	if (inbox_empty(&w->inbox) && worker_has_chores(w))
		prepare_one(w);
}

bool worker_may_sleep(struct worker *w)
{
	qsbr_offline(&w->core->reader);
	atomic_store(&w->sleeping, true);
	return inbox_empty(&w->inbox);
}

void worker_awake(struct worker *w)
{
	atomic_store(&w->sleeping, false);
	qsbr_online(&w->core->reader);
}

bool worker_running(const struct worker *w)
{
	return atomic_load(&w->core->run) != 0;
}

bool worker_stuck(const struct worker *w)
{
	uint64_t run = atomic_load(&w->core->run);

	return run != 0 && run == atomic_load(&w->core->stuck_run);
}

bool worker_draining(const struct worker *w)
{
	return atomic_load_explicit(&w->rt->stop, memory_order_relaxed) != 0;
}

bool worker_must_stop(const struct worker *w)
{
	return atomic_load_explicit(&w->rt->stop, memory_order_relaxed) > 1;
}

/* Set-up. ------------------------------------------------------------------ */

/*
 * A fault in the runtime's own code on a worker: it can't even write a message
 * (its filter). It leaves that to the keeper and waits for the end.
 */
static void worker_fatal(struct gate_thread *thread)
{
	struct worker *w = thread->owner;

	keeper_fatal(w->rt->keeper, w->id);
	for (;;)
		__builtin_ia32_pause();
}

static int worker_pin(struct worker *w)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(w->core->cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : err_errno();
}

static int worker_identity(struct worker *w)
{
	struct worker_core *core = w->core;
	int r = worker_pin(w);

	core->tid = (pid_t)syscall(SYS_gettid);
	if (r == 0)
		r = thread_mask();
	if (r == 0)
		r = thread_init(w->rt, true, &core->gate);
	if (r < 0)
		return r;
	core->gate->owner = w;
	core->gate->fatal = worker_fatal;
	core->real_offset = clock_real() - clock_now();
	if (getrandom(&core->seed, sizeof(core->seed), 0) != sizeof(core->seed))
		return err_errno();
	log_set_sink(logring_sink, &core->log);
	w->now = clock_now();
	return 0;
}

/* Walls one and two. The filter comes last: set-up needs what it denies. */
static int worker_confine(struct worker *w, int ring_fd)
{
	struct policy_params params = {.ring_fd = ring_fd, .pid = getpid()};
	int r = wsys_init();

	if (r < 0)
		return r;
	params.cookie = wsys_cookie;
	w->core->gate->cookie = wsys_cookie;
	r = dispatch_on(&w->core->gate->page->selector);
	return r < 0 ? r : filter_load(&policy_worker, &params);
}

static int worker_setup(struct worker *w)
{
	const struct worker_loop *loop = w->core->loop;
	int ring_fd = -1;
	int r;

	w->core->setup_what = "thread";
	r = worker_identity(w);
	if (r < 0)
		return r;
	w->core->setup_what = "network";
	r = loop->setup(w, loop->arg, &ring_fd);
	if (r < 0)
		return r;
	w->core->setup_what = "confinement";
	r = worker_confine(w, ring_fd);
	if (r < 0)
		return r;
	w->core->setup_what = "self-test of the isolation";
	return selftest_run(w);
}

static void worker_settled(struct worker *w, int result)
{
	struct runtime *rt = w->rt;

	w->core->setup = result;
	atomic_fetch_add(&rt->core->settled, 1);
	doorbell_ring(&rt->doorbell);
}

void *worker_main(void *arg)
{
	struct worker *w = arg;
	const struct worker_loop *loop = w->core->loop;
	int r = worker_setup(w);

	worker_settled(w, r);
	if (r == 0) {
		pool_refill(&w->core->pool);
		qsbr_online(&w->core->reader);
		loop->loop(w, loop->arg);
		qsbr_offline(&w->core->reader);
	}
	/*
	 * The thread stays: its stack, ring and filter go with the process,
	 * and ending a confined thread takes system calls it may not make.
	 */
	atomic_fetch_sub(&w->rt->core->loops, 1);
	doorbell_ring(&w->rt->doorbell);
	for (;;)
		(void)wsys_futex_wait((uint32_t *)&w->core->parked, 0, NULL);
}
