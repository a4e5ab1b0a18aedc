/*
 * The self-test: fail closed. Trusted side, on a worker that is fully confined.
 *
 * Each probe runs in an isolate of its own and must end in the fault named
 * here. What it proves on this very machine, kernel and build: denied memory
 * faults, a fault is caught wherever RSP and GS point, a system call is
 * refused.
 */
#include "core/selftest.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/check.h"
#include "core/keeper.h"
#include "core/run.h"
#include "core/runtime_core.h"
#include "core/selftest_in.h"
#include "core/worker_core.h"
#include "pkey/gate_asm.h"
#include "sandbox/dispatch.h"
#include "sandbox/wsys.h"
#include "util/clock.h"

/* Read by probes, which must not succeed; key 0. */
static uint64_t selftest_secret = 1;

enum {
	ANY = -1,
	KEY_TRUSTED = 0,
	KEY_SHARED = -2
};

/* Above the 128 bytes that the kernel leaves below a stack pointer, else it
 * takes that stack for another one; too low for a signal frame. */
enum {
	ALTSTACK_BOTTOM = 512
};

static const struct selftest {
	const char *what;
	int signal;
	int code; /* si_code, or ANY */
	int key;  /* the key it must fail on, or ANY */
} selftests[SELFTEST_COUNT] = {
	[SELFTEST_TRAP] = {"self-test: a fault is caught", SIGILL, ANY, ANY},
	[SELFTEST_SYSCALL] = {"self-test: a system call is refused", SIGSYS,
		DISPATCH_SI_CODE, ANY},
	[SELFTEST_TRAP_GS] = {"self-test: a fault is caught without GS", SIGILL,
		ANY, ANY},
	[SELFTEST_READ] = {"self-test: trusted memory can't be read", SIGSEGV,
		SEGV_PKUERR, KEY_TRUSTED},
	[SELFTEST_READ_GS] = {"self-test: ... nor without GS", SIGSEGV,
		SEGV_PKUERR, KEY_TRUSTED},
	[SELFTEST_READ_STACK] = {"self-test: ... nor on the alternate stack",
		SIGSEGV, SEGV_PKUERR, KEY_TRUSTED},
	[SELFTEST_WRITE_S] = {"self-test: shared memory can't be written",
		SIGSEGV, SEGV_PKUERR, KEY_SHARED},
};

static const struct engine selftest_engine = {
	.name = "selftest",
	.inside_main = selftest_main_in,
};

static void selftest_bound(struct msg *msg)
{
	container_of(msg, struct isolate, msg)->state = ISOLATE_STARTING;
}

/*
 * The loop does not run yet, so neither do messages but here. It sleeps rather
 * than spins: the keeper may need this very CPU.
 */
static void selftest_turn(struct worker *w)
{
	static const struct timespec pause = {.tv_nsec = 20000};
	uint32_t never = 0;

	if (inbox_empty(&w->inbox))
		(void)wsys_futex_wait(&never, 0, &pause);
	(void)msg_run_all(inbox_take(&w->inbox));
}

static void selftest_wait(struct worker *w, const struct isolate *iso)
{
	while (iso->state != ISOLATE_STARTING)
		selftest_turn(w);
}

/* The last probe's isolate may be on its way back, and with few slots it is the
 * only one. NULL: there is none and none will come. */
static struct isolate *selftest_take(struct worker *w, size_t bytes)
{
	struct pool *p = &w->core->pool;
	struct isolate *iso;

	while (!(iso = pool_take_empty(p, bytes)) && p->n_out)
		selftest_turn(w);
	return iso;
}

static bool selftest_key(const struct worker *w, int want, int key)
{
	if (want == KEY_SHARED)
		want = w->rt->core->keys.shared;
	return want == ANY || want == key;
}

static bool selftest_held(const struct worker *w, const struct selftest *t)
{
	const struct gate_fault *f = &w->core->gate->fault;

	return f->signal == t->signal &&
	       (t->code == ANY || t->code == f->code) &&
	       selftest_key(w, t->key, f->key);
}

static void selftest_operands(
	struct worker *w, struct isolate *iso, enum selftest_probe probe)
{
	struct gate_thread *thread = w->core->gate;
	struct inside in = {
		.op = probe,
		.req = (uint64_t)&selftest_secret,
		.req_len = (uint64_t)thread->altstack + ALTSTACK_BOTTOM,
		.want = (uint64_t)&thread->page->selector,
	};
	size_t from = offsetof(struct inside, op);

	worker_copy_in(
		w, iso, iso->ctl + from, (char *)&in + from, sizeof(in) - from);
}

static bool selftest_probe(
	struct worker *w, struct function *fn, enum selftest_probe probe)
{
	size_t bytes = isolate_bytes(fn->opt.memory_bytes);
	struct isolate *iso = selftest_take(w, bytes);
	struct gate_thread *thread = w->core->gate;
	bool held = false;

	if (!iso)
		return false;
	iso->want = bytes;
	keeper_bind(iso, selftest_bound);
	selftest_wait(w, iso);
	if (iso->result == 0) {
		function_get(fn);
		CHECK(isolate_layout(iso, fn));
		selftest_operands(w, iso, probe);
		thread->fault.signal = 0;
		gate_target(
			thread, iso->ctl, iso->fs, domain_key(&iso->domain));
		run_begin(w, clock_now() + CLOCK_S, 0);
		held = w->rt->core->gate.enter() == GATE_ABORTED &&
		       selftest_held(w, &selftests[probe]);
		run_end(w, thread->fault.signal == SIGURG);
		(void)domain_unpin(&w->rt->core->mux, &iso->domain, w->now);
	}
	isolate_drop(iso, METRIC_DESTROY_OTHER);
	return held;
}

int selftest_run(struct worker *w)
{
	unsigned n = w->rt->hardware ? SELFTEST_COUNT : SELFTEST_SOFTWARE;

	for (unsigned i = 0; i < n; i++)
		if (!selftest_probe(w, w->rt->core->selftest, i)) {
			w->core->setup_what = selftests[i].what;
			return -EPROTO;
		}
	return 0;
}

struct function *selftest_function(void)
{
	struct function_options opt = {
		.tenant = "gvisord",
		.name = "selftest",
		.engine = &selftest_engine,
		.memory_bytes = ARENA_COMMON_BYTES,
	};

	return function_new(&opt, "", 0, NULL);
}
