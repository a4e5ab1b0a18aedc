/*
 * The keeper thread. Trusted side, never confined by the workers' filter; the
 * process's baseline covers it.
 *
 * Stopping a run: swap the worker's run word from "run n" to "run n, stopping",
 * then send SIGURG. The worker swaps it back to "none" at the run's end; when
 * that fails it waits for the signal first (invoke.c). So there is at most one
 * SIGURG under way per worker, and none outlives its run.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "core/audit.h"
#include "core/keeper.h"
#include "core/limiter.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"
#include "engine/program.h"
#include "pkey/fault.h"
#include "pkey/wipe.h"
#include "util/clock.h"
#include "util/log.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* How often the keeper looks while there is traffic, and how long a run may
 * take before its worker counts as stuck. */
#define KEEPER_LOOK_NS (50 * CLOCK_MS)
#define KEEPER_STUCK_NS (10 * CLOCK_MS)

/* The run that a worker was seen in, and since when. */
struct keeper_note {
	uint64_t run;
	uint64_t since;
};

/* A run, and when to look at its CPU time. */
struct keeper_look {
	uint64_t run;
	uint64_t at;
};

struct keeper {
	struct runtime *rt;
	uint64_t deadlines; /* sum of the workers', when last seen */
	uint64_t quiet_at;  /* until then there is traffic */
	pthread_t thread;
	struct inbox inbox;
	struct doorbell doorbell;
	/* When it looks at deadlines next. Workers compare theirs with it. */
	_Atomic uint64_t next_look;
	struct list waiters; /* isolates that found all keys pinned */
	struct keeper_note notes[GATE_MAX_THREADS]; /* by worker */
	struct keeper_look looks[GATE_MAX_THREADS];
	_Atomic bool stop;
	_Atomic unsigned fatal; /* worker number + 1 */
	struct doorbell started;
	_Atomic int result; /* of the thread's set-up; 1: not known yet */
};

static struct keeper *keeper_of(struct isolate *iso)
{
	return iso->worker->rt->keeper;
}

/* Errands: the worker's side. ---------------------------------------------- */

void keeper_post(struct keeper *k, struct msg *msg)
{
	(void)inbox_push(&k->inbox, msg);
	doorbell_ring(&k->doorbell);
}

/* An errand is a message that is sent twice: `run` is the keeper's part on the
 * way there and the worker's on the way back. */
static void keeper_send(struct isolate *iso, msg_fn *errand, msg_fn *done)
{
	iso->done = done;
	iso->msg.run = errand;
	keeper_post(keeper_of(iso), &iso->msg);
}

static void keeper_answer(struct isolate *iso, int result)
{
	iso->result = result;
	iso->msg.run = iso->done;
	worker_post(iso->worker, &iso->msg);
}

/* Errands: the keeper's side. ---------------------------------------------- */

static int keeper_unmap(struct isolate *iso, size_t from)
{
	char *at = iso->base + from;

	if (iso->mapped <= from)
		return 0;
	if (madvise(at, iso->mapped - from, MADV_DONTNEED) != 0 ||
		mprotect(at, iso->mapped - from, PROT_NONE) != 0)
		return -errno;
	iso->mapped = from;
	return 0;
}

/*
 * A saving of page faults, no more: that the pages are not there costs nothing.
 * Of key P the kernel would not touch them for us, so they are trusted memory
 * meanwhile.
 */
static int keeper_populate(struct isolate *iso)
{
	const struct keys *keys = &iso->worker->rt->core->keys;
	const int prot = PROT_READ | PROT_WRITE;
	char *at;
	size_t len;
	int r = 0;

	isolate_hot(iso, &at, &len);
	if (keys->prim->hardware)
		r = keys->prim->tag(at, len, prot, PRIM_KEY_TRUSTED);
	(void)madvise(at, len, MADV_POPULATE_WRITE);
	if (r == 0 && keys->prim->hardware)
		r = keys->prim->tag(at, len, prot, keys->parked);
	return r;
}

/* Counts n mappings more. They are given back together, by keeper_clear(). */
static int keeper_count(struct isolate *iso, unsigned n)
{
	if (!maps_take(&iso->worker->rt->core->maps, n))
		return KEEPER_E_MAPS;
	iso->maps += n;
	return 0;
}

static int keeper_map(struct isolate *iso)
{
	struct runtime *rt = iso->worker->rt;
	int r = 0;

	if (iso->mapped == iso->want && !domain_dead(&iso->domain))
		return 0;
	if (iso->maps == 0)
		r = keeper_count(iso, MAPS_ISOLATE);
	if (r < 0)
		return r;
	if (iso->mapped > iso->want)
		r = keeper_unmap(iso, iso->want);
	if (r == 0)
		r = domain_init(&iso->domain, &rt->core->keys,
			iso->base + ISOLATE_GUARD, iso->want - ISOLATE_GUARD);
	if (r < 0)
		return r;
	iso->mapped = iso->want;
	audit_step("map", iso);
	return 0;
}

/* What was made present for a heap that begins sooner. */
static void keeper_trim(struct isolate *iso, size_t image_end)
{
	char *at, *from = iso->base + image_end + ISOLATE_PAGE;
	size_t len;

	isolate_hot(iso, &at, &len);
	if (from < at + len)
		(void)madvise(from, (size_t)(at + len - from), MADV_DONTNEED);
}

static int keeper_map_program(struct isolate *iso, const struct program *p)
{
	const uint32_t shift =
		(uint32_t)((isolate_image() - ISOLATE_GUARD) / DOMAIN_PAGE);
	struct domain_part parts[DOMAIN_PARTS_MAX];
	int r;

	r = keeper_count(iso, program_maps(p));
	if (r < 0)
		return r;
	keeper_trim(iso, isolate_image() + p->span);
	iso->image = true;
	r = program_map(p, iso->base + isolate_image());
	if (r < 0)
		return r;
	for (unsigned i = 0; i < p->n_parts; i++) {
		parts[i] = p->parts[i];
		parts[i].at += shift;
	}
	domain_set_parts(&iso->domain, parts, p->n_parts);
	iso->untagged = true;
	audit_step("program", iso);
	return 0;
}

/* The program is for this errand, whatever it comes to: the next one may be for
 * another function. */
static int keeper_fill(struct isolate *iso)
{
	const struct program *p = iso->program;
	int r = iso->want ? keeper_map(iso) : 0;

	iso->program = NULL;
	return r == 0 && p ? keeper_map_program(iso, p) : r;
}

static void errand_prepare(struct msg *msg)
{
	struct isolate *iso = container_of(msg, struct isolate, msg);
	int r = keeper_fill(iso);

	if (r == 0 && iso->untagged)
		r = domain_park(&iso->worker->rt->core->mux, &iso->domain);
	iso->untagged = false;
	if (r == 0)
		r = keeper_populate(iso);
	audit_step("prepare", iso);
	keeper_answer(iso, r);
}

/* Afterwards the slot is as at first, but for page tables. Not the guard: to
 * part it from what is before it takes a mapping, and there may be none. */
static int keeper_clear(struct isolate *iso)
{
	int r = wipe_range(
		iso->base + ISOLATE_GUARD, iso->mapped - ISOLATE_GUARD);

	if (r < 0 && r != -EEXIST)
		return r;
	domain_forget(&iso->worker->rt->core->mux, &iso->domain);
	maps_give(&iso->worker->rt->core->maps, iso->maps);
	iso->maps = 0;
	iso->image = false;
	iso->mapped = 0;
	return r;
}

/* Its wait for a key is over, if it had to. */
static void keeper_waited(struct isolate *iso)
{
	iso->waited_ns = iso->waits_since ? clock_now() - iso->waits_since : 0;
	iso->waits_since = 0;
}

/* False: it goes on waiting. */
static bool keeper_try_bind(struct keeper *k, struct isolate *iso)
{
	int r = domain_bind(&k->rt->core->mux, &iso->domain);

	/* A program's pages have no key of ours yet: while they wait for one,
	 * they are parked like the others. */
	if (r == DOMAIN_E_BUSY && iso->untagged &&
		domain_park(&k->rt->core->mux, &iso->domain) < 0)
		r = -EIO;
	iso->untagged = false;
	if (r == DOMAIN_E_BUSY) {
		if (iso->waits_since == 0)
			iso->waits_since = clock_now();
		return false;
	}
	keeper_waited(iso);
	list_remove(&iso->link);
	keeper_answer(iso, r);
	return true;
}

static void errand_bind(struct msg *msg)
{
	struct isolate *iso = container_of(msg, struct isolate, msg);
	int r = keeper_fill(iso);

	if (r < 0)
		keeper_answer(iso, r);
	else if (!keeper_try_bind(keeper_of(iso), iso))
		list_push_back(&keeper_of(iso)->waiters, &iso->link);
}

static void errand_recycle(struct msg *msg)
{
	struct isolate *iso = container_of(msg, struct isolate, msg);
	struct runtime *rt = iso->worker->rt;
	int r;

	if (iso->image || (iso->mapped && maps_scarce(&rt->core->maps))) {
		r = keeper_clear(iso);
		audit_step("clear", iso);
		keeper_answer(iso, r);
		return;
	}
	r = domain_release(&rt->core->mux, &iso->domain);
	/* Never mapped: its preparation failed. */
	if (r == 0 && iso->mapped &&
		madvise(iso->base + ISOLATE_GUARD, iso->mapped - ISOLATE_GUARD,
			MADV_DONTNEED) != 0)
		r = -errno;
	audit_step("recycle", iso);
	keeper_answer(iso, r);
}

int keeper_blank(struct isolate *of, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		size_t len = of[i].mapped;

		r = len ? keeper_clear(&of[i]) : 0;
		/* Once more, with the guard, for the page tables' sake. */
		if (r == 0 && len && wipe_range(of[i].base, len) == -EEXIST)
			r = -EEXIST;
		audit_step("blank", &of[i]);
	}
	if (r == 0)
		wipe_zero(of, n * sizeof(*of));
	return r;
}

void keeper_discard(void *at, size_t len)
{
	/* A saving of memory, no more. */
	(void)madvise(at, len, MADV_DONTNEED);
}

void keeper_prepare(struct isolate *iso, msg_fn *done)
{
	keeper_send(iso, errand_prepare, done);
}

void keeper_bind(struct isolate *iso, msg_fn *done)
{
	keeper_send(iso, errand_bind, done);
}

void keeper_recycle(struct isolate *iso, msg_fn *done)
{
	keeper_send(iso, errand_recycle, done);
}

/* Those that found every key pinned, in the order they came, which is that of
 * the multiplexer's line: where one has to go on waiting all behind it have. */
static void keeper_retry(struct keeper *k)
{
	struct list *l;

	if (!atomic_exchange(&k->rt->core->mux.wanted, false))
		return;
	while ((l = list_first(&k->waiters)))
		if (!keeper_try_bind(k, container_of(l, struct isolate, link)))
			return;
}

void keeper_wake(struct keeper *k)
{
	doorbell_ring(&k->doorbell);
}

/* Deadlines. --------------------------------------------------------------- */

void keeper_watch(struct keeper *k, uint64_t deadline)
{
	if (atomic_load(&k->next_look) > deadline)
		doorbell_ring(&k->doorbell);
}

static void keeper_stop_run(
	struct worker *w, uint64_t run, enum stop_cause cause)
{
	atomic_store(&w->core->stop_cause, cause);
	if (atomic_compare_exchange_strong(
		    &w->core->run, &run, run | RUN_STOPPING))
		(void)syscall(SYS_tgkill, getpid(), w->core->tid, SIGURG);
}

/*
 * When to look at the run's CPU time next; `now`: it has used it up. What is
 * left can't be gone any sooner than that much later. Should a next run begin
 * meanwhile, then these are its numbers, and the stop comes to nothing.
 */
static uint64_t keeper_cpu(
	struct keeper *k, struct worker *w, uint64_t run, uint64_t now)
{
	struct keeper_look *look = &k->looks[w->id];
	uint64_t limit = atomic_load(&w->core->cpu_ns);
	uint64_t begin = atomic_load(&w->core->cpu_begin);
	uint64_t used;

	if (limit == 0)
		return UINT64_MAX;
	if (look->run != run)
		*look = (struct keeper_look){
			run, atomic_load(&w->core->cpu_look)};
	if (now < look->at)
		return look->at;
	used = clock_of_thread(w->core->tid) - begin;
	look->at = used >= limit ? now : now + limit - used;
	return look->at;
}

/* Stops what is over its time; returns the next deadline there is. */
static uint64_t keeper_look(struct keeper *k, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	/* Told to stop at once: every run is over its time. */
	bool all = atomic_load(&k->rt->stop) > 1;

	for (unsigned i = 0; i < k->rt->n_workers; i++) {
		struct worker *w = &k->rt->workers[i];
		uint64_t run = atomic_load(&w->core->run);
		uint64_t deadline = atomic_load(&w->core->deadline);

		if (run == 0 || (run & RUN_STOPPING))
			continue;
		if (all || deadline <= now) {
			keeper_stop_run(w, run, STOP_DEADLINE);
			continue;
		}
		if (deadline < next)
			next = deadline;
		deadline = keeper_cpu(k, w, run, now);
		if (deadline <= now)
			keeper_stop_run(w, run, STOP_CPU);
		else if (deadline < next)
			next = deadline;
	}
	return next;
}

/* A run that goes on holds up what waits for its worker. Returns when to look
 * again. */
static uint64_t keeper_stuck(struct keeper *k, uint64_t now)
{
	const struct worker_loop *loop = k->rt->core->loop;
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < k->rt->n_workers; i++) {
		struct worker *w = &k->rt->workers[i];
		struct keeper_note *note = &k->notes[i];
		uint64_t run = atomic_load(&w->core->run);

		if (run != note->run)
			*note = (struct keeper_note){run, now};
		if (run == 0)
			continue;
		if (now - note->since >= KEEPER_STUCK_NS) {
			atomic_store(&w->core->stuck_run, run);
			if (loop->stuck)
				loop->stuck(w, loop->arg);
		}
		next = now + KEEPER_STUCK_NS;
	}
	return next;
}

/* When the last run that was noticed is KEEPER_LOOK_NS ago. */
static uint64_t keeper_quiet_at(struct keeper *k, uint64_t now)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < k->rt->n_workers; i++)
		sum += atomic_load(&k->rt->workers[i].core->deadline);
	if (sum != k->deadlines)
		k->quiet_at = now + KEEPER_LOOK_NS;
	k->deadlines = sum;
	return k->quiet_at;
}

/* Publishes the time before the last look at the workers: one that begins a
 * run in between either is seen or sees it, and rings. While there is traffic
 * the time is never far, for ringing costs a worker more than a warm call. */
static uint64_t keeper_deadlines(struct keeper *k)
{
	uint64_t now = clock_now();
	uint64_t quiet = keeper_quiet_at(k, now);
	uint64_t stuck = keeper_stuck(k, now);
	uint64_t next = keeper_look(k, now);

	if (quiet > now && quiet < next)
		next = quiet;
	if (stuck < next)
		next = stuck;
	atomic_store(&k->next_look, next);
	return keeper_look(k, now) < next ? now : next;
}

/* Life. -------------------------------------------------------------------- */

static void keeper_report(struct keeper *k)
{
	unsigned i = atomic_load(&k->fatal);
	const struct gate_fault *f;

	if (i == 0)
		return;
	f = &k->rt->workers[i - 1].core->gate->fault;
	log_error("fault in the runtime, giving up", LOG_U64("worker", i - 1),
		LOG_STR("signal", fault_signal_name(f->signal)),
		LOG_I64("code", f->code), LOG_HEX("address", f->address),
		LOG_HEX("rip", f->rip), LOG_I64("syscall", f->syscall));
	abort();
}

void keeper_fatal(struct keeper *k, unsigned worker)
{
	atomic_store(&k->fatal, worker + 1);
	doorbell_ring(&k->doorbell);
}

static void keeper_turn(struct keeper *k)
{
	uint32_t seen = doorbell_seen(&k->doorbell);
	uint64_t next, look, now;

	keeper_report(k);
	(void)msg_run_all(inbox_take(&k->inbox));
	keeper_retry(k);
	limiter_tell(k->rt);
	next = keeper_deadlines(k);
	now = clock_now();
	look = pressure_look(&k->rt->core->pressure, k->rt, now);
	next = look < next ? look : next;
	if (next == UINT64_MAX)
		doorbell_wait(&k->doorbell, seen, DOORBELL_FOREVER);
	else if (next > now)
		doorbell_wait(&k->doorbell, seen, next - now);
	/* Awake: no run needs to ring until the next sleep. */
	atomic_store(&k->next_look, 0);
}

static void *keeper_main(void *arg)
{
	struct keeper *k = arg;
	struct gate_thread *thread;
	int r = thread_mask();

	if (r == 0)
		r = thread_init(k->rt, false, &thread);
	atomic_store(&k->result, r);
	doorbell_ring(&k->started);
	if (r == 0)
		while (!atomic_load(&k->stop))
			keeper_turn(k);
	return NULL;
}

struct keeper *keeper_new(struct runtime *rt)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->rt = rt;
	inbox_init(&k->inbox);
	doorbell_init(&k->doorbell);
	doorbell_init(&k->started);
	list_init(&k->waiters);
	atomic_init(&k->result, 1);
	return k;
}

int keeper_start(struct keeper *k)
{
	int r = pthread_create(&k->thread, NULL, keeper_main, k);

	if (r != 0)
		return -r;
	while (atomic_load(&k->result) > 0) {
		uint32_t seen = doorbell_seen(&k->started);

		if (atomic_load(&k->result) > 0)
			doorbell_wait(&k->started, seen, DOORBELL_FOREVER);
	}
	r = atomic_load(&k->result);
	if (r < 0)
		(void)pthread_join(k->thread, NULL);
	return r;
}

void keeper_stop(struct keeper *k)
{
	atomic_store(&k->stop, true);
	doorbell_ring(&k->doorbell);
	(void)pthread_join(k->thread, NULL);
}
