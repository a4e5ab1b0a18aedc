/*
 * Keys over time: forty isolates on the keys there are, evicted isolates, and
 * retags that fail. The table of domains against what the kernel says of every
 * page. And restartable sequences, which must be gone.
 *
 * Control: a tag() that only says it did, rseq left on.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkey/image.h"
#include "tests/security/box.h"
#include "tests/security/smaps.h"

enum {
	MANY = 40,
	ROUNDS = 3,
	RANGES = IMAGE_RANGES + MANY + 8,
	STOP_MS = 50,
	DELAY_US = 20000,
};

enum finding {
	WRONG,	/* isolates that were not as they should be */
	DEAD,	/* that died of a failed retag */
	SERVED, /* that ran */
	AGREE,	/* comparisons with smaps that held */
	DIFFER,
	OTHER,
};

static struct box_isolate many[MANY];
static unsigned n_many;

/* The keeper's errands. -----------------------------------------------------
 */

static void range_add(struct smaps_range *ranges, size_t *n,
	const struct keys *keys, const struct domain *d)
{
	int key = domain_key(d) < 0 ? keys->parked : domain_key(d);

	ranges[*n].from = (uint64_t)d->base;
	ranges[*n].to = (uint64_t)d->base + d->len;
	ranges[*n].key = domain_dead(d) ? 0 : key;
	(*n)++;
}

static void errand_compare(struct box *b, void *arg)
{
	struct smaps_range ranges[RANGES];
	struct image image;
	size_t n = 0;
	bool good;

	(void)arg;
	if (image_read(&image) != 0)
		_exit(1);
	for (size_t i = 0; i < image.n_shared; i++)
		ranges[n++] = (struct smaps_range){
			(uint64_t)image.shared[i].addr,
			(uint64_t)image.shared[i].addr + image.shared[i].len,
			b->keys.shared};
	ranges[n++] = (struct smaps_range){(uint64_t)b->gate.pages,
		(uint64_t)b->gate.pages +
			(uint64_t)GATE_MAX_THREADS * GATE_PAGE_SIZE,
		b->keys.shared};
	range_add(ranges, &n, &b->keys, &b->attacker.domain);
	range_add(ranges, &n, &b->keys, &b->other.domain);
	range_add(ranges, &n, &b->keys, &b->parked.domain);
	for (unsigned i = 0; i < n_many; i++)
		range_add(ranges, &n, &b->keys, &many[i].domain);
	good = smaps_agree(ranges, n, b->report->text, sizeof(b->report->text));
	b->report->number[good ? AGREE : DIFFER]++;
}

static void errand_new(struct box *b, void *arg)
{
	(void)arg;
	if (box_isolate_new(b, &many[n_many]) == 0)
		n_many++;
}

static int bound;

static void errand_bind(struct box *b, void *arg)
{
	struct box_isolate *iso = arg;

	bound = domain_bind(&b->mux, &iso->domain);
}

static void errand_release(struct box *b, void *arg)
{
	struct box_isolate *iso = arg;

	bound = domain_release(&b->mux, &iso->domain);
}

/* Many. ---------------------------------------------------------------------
 */

/* U: counts its entries, says who it is. */
static void count_in(struct box_attack *a)
{
	for (;;)
		(void)gate_hostcall(BOX_DONE, a->n[0], ++a->value, 0, 0);
}

static void make_many(struct box *b, unsigned n)
{
	while (n-- > 0)
		box_keeper(b, errand_new, NULL);
}

/* One entry of isolate i, with a key got for it and given up afterwards. */
static void serve(struct box *b, unsigned i, unsigned round)
{
	const struct box_attack a = {.n = {i}};
	static uint64_t now;
	struct box_end end;

	box_keeper(b, errand_bind, &many[i]);
	if (bound != 0) {
		b->report->number[DEAD]++;
		return;
	}
	if (round == 0)
		box_prepare(b, &many[i], count_in, &a);
	box_enter(b, &many[i], &end);
	b->report->number[SERVED]++;
	b->report->number[WRONG] += end.how != GATE_LEFT || end.arg[0] != i ||
				    end.arg[1] != round + 1;
	(void)domain_unpin(&b->mux, &many[i].domain, ++now);
}

static void session_many(struct box *b, const void *arg)
{
	(void)arg;
	make_many(b, MANY);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < MANY; i++)
			serve(b, i, round);
		box_keeper(b, errand_compare, NULL);
	}
	b->report->number[OTHER] = b->mux.evictions;
}

static void try_many(void)
{
	const struct box_report *r = box_run(NULL, session_many, NULL);

	if (!tap_ok(r->status == 0 && r->number[SERVED] == MANY * ROUNDS &&
			    r->number[WRONG] == 0 && r->number[DEAD] == 0,
		    "%d isolates served in turn, each as itself", MANY))
		box_say("many", r);
	tap_ok(r->number[OTHER] >= MANY * ROUNDS - PRIM_KEYS,
		"by %lu evictions", r->number[OTHER]);
	if (!tap_ok(r->number[AGREE] == ROUNDS && r->number[DIFFER] == 0,
		    "every page has its domain's key"))
		box_say("smaps", r);
}

/* Stale rights. -------------------------------------------------------------
 */

static struct box_end *new_end(struct box *b)
{
	return &b->report->end[b->report->n_ends++];
}

/* Isolate 0, left in a hostcall, loses its key; continued as if it had it. */
static void session_stale(struct box *b, const void *arg)
{
	struct box_end *end;
	int stale;

	(void)arg;
	make_many(b, PRIM_KEYS);
	serve(b, 0, 0);
	stale = domain_key(&many[0].domain);
	for (unsigned i = 1; i < PRIM_KEYS; i++)
		serve(b, i, 0);
	b->report->number[OTHER] = domain_key(&many[0].domain) == -1;
	end = new_end(b);
	gate_target(b->thread, many[0].ctl, many[0].fs, stale);
	end->how = b->gate.enter();
	end->pkru = box_pkru();
	end->fault = b->thread->fault;
	box_check(b, end);
	/* With the key it gets now it goes on where it was. */
	serve(b, 0, 1);
	for (unsigned i = 1; i < PRIM_KEYS; i++)
		serve(b, i, 1);
}

static bool died_of_parking(const struct box_end *e)
{
	return e->how == GATE_ABORTED && e->fault.signal == SIGSEGV &&
	       e->fault.code == SEGV_PKUERR && e->fault.key == 2;
}

static void try_stale(void)
{
	const struct box_report *r = box_run(NULL, session_stale, NULL);

	if (!tap_ok(r->number[OTHER] == 1 && died_of_parking(&r->end[0]) &&
			    r->end[0].alive,
		    "an evicted isolate with its old rights: faults on key P"))
		box_say("stale", r);
	if (!tap_ok(r->status == 0 && r->number[WRONG] == 0 &&
			    r->number[DEAD] == 0,
		    "afterwards it and all others go on"))
		box_say("stale", r);
}

/* U. */
static void reread_in(struct box_attack *a)
{
	for (;;)
		(void)*(volatile uint64_t *)&a->value;
}

static void errand_take_away(struct box *b, void *arg)
{
	(void)arg;
	(void)usleep(DELAY_US);
	b->report->number[OTHER] = (uint64_t)b->prim.tag(
		b->attacker.mem, BOX_ISOLATE_BYTES, 3, b->keys.parked);
}

static void errand_give_back(struct box *b, void *arg)
{
	(void)arg;
	(void)b->prim.tag(b->attacker.mem, BOX_ISOLATE_BYTES, 3,
		domain_key(&b->attacker.domain));
}

/* Its memory is parked while it runs: what a bug in the multiplexer would do,
 * and the kernel's part of the promise. */
static void session_running(struct box *b, const void *arg)
{
	struct box_end *end = new_end(b);

	(void)arg;
	box_prepare(b, &b->attacker, reread_in, NULL);
	b->errand = errand_take_away;
	box_enter(b, &b->attacker, end);
	while (b->errand)
		__builtin_ia32_pause();
	box_keeper(b, errand_give_back, NULL);
	box_check(b, end);
}

static void try_running(void)
{
	const struct box_report *r = box_run(NULL, session_running, NULL);

	if (!tap_ok(r->number[OTHER] == 0 && died_of_parking(&r->end[0]) &&
			    r->end[0].alive,
		    "an isolate whose memory is parked while it runs: faults"))
		box_say("running", r);
}

/* Retags that fail. ---------------------------------------------------------
 */

static int tag_fails_in; /* the n-th from now; 0: none */

static int tag_failing(void *addr, size_t len, int prot, int key)
{
	if (tag_fails_in > 0 && --tag_fails_in == 0)
		return -EPERM;
	return prim_mpk.tag(addr, len, prot, key);
}

static int tag_lying(void *addr, size_t len, int prot, int key)
{
	(void)addr;
	(void)len;
	(void)prot;
	(void)key;
	return 0;
}

struct failure {
	const char *name;
	int nth;      /* of the tags of one bind: 1 evicts, 2 binds */
	bool release; /* instead of a bind */
	uint64_t dead;
};

static void session_failure(struct box *b, const void *arg)
{
	const struct failure *f = arg;

	make_many(b, PRIM_KEYS);
	for (unsigned i = 0; i + 1 < PRIM_KEYS; i++)
		serve(b, i, 0);
	b->prim.tag = tag_failing;
	tag_fails_in = f->nth;
	if (f->release)
		box_keeper(b, errand_release, &many[PRIM_KEYS - 2]);
	else
		serve(b, PRIM_KEYS - 1, 0);
	b->report->number[OTHER] = b->mux.killed;
	box_keeper(b, errand_compare, NULL);
	b->report->number[WRONG] = 0;
	b->report->number[DEAD] = 0;
	/* All who are left, and the newcomer if it lives, as before. */
	for (unsigned i = 0; i + 1 < PRIM_KEYS; i++)
		serve(b, i, 1);
	box_keeper(b, errand_compare, NULL);
}

static void try_failure(const struct failure *f)
{
	const struct box_report *r = box_run(NULL, session_failure, f);

	if (!tap_ok(r->status == 0 && r->number[OTHER] == 1,
		    "%s: that one is killed", f->name))
		box_say(f->name, r);
	if (!tap_ok(r->number[DEAD] == f->dead && r->number[WRONG] == 0,
		    "%s: all others go on", f->name))
		box_say(f->name, r);
	if (!tap_ok(r->number[AGREE] == 2 && r->number[DIFFER] == 0,
		    "%s: every page has its domain's key", f->name))
		box_say(f->name, r);
}

static void session_lying(struct box *b, const void *arg)
{
	(void)arg;
	make_many(b, 2);
	b->prim.tag = tag_lying;
	box_keeper(b, errand_bind, &many[0]);
	box_keeper(b, errand_compare, NULL);
}

static void try_lying(void)
{
	const struct box_report *r = box_run(NULL, session_lying, NULL);

	if (!tap_ok(r->number[DIFFER] == 1,
		    "a tag that is not done is noticed: control"))
		box_say("lying", r);
}

/* Restartable sequences. ----------------------------------------------------
 */

static int rseq_cpu(void)
{
	const volatile struct rseq *area =
		(void *)((char *)__builtin_thread_pointer() + __rseq_offset);

	return (int)area->cpu_id;
}

/* U. */
static void spin_in(struct box_attack *a)
{
	box_spin_at(a->stack + 4096);
}

static void session_rseq(struct box *b, const void *arg)
{
	struct box_end *end = new_end(b);

	(void)arg;
	b->report->number[OTHER] = rseq_cpu() >= 0;
	box_prepare(b, &b->attacker, spin_in, NULL);
	box_stop_in(b, STOP_MS);
	box_enter(b, &b->attacker, end);
	box_check(b, end);
}

static void try_rseq(void)
{
	static const struct box_off rseq_on = {.rseq = true};
	const struct box_report *r = box_run(NULL, session_rseq, NULL);

	if (!tap_ok(r->number[OTHER] == 0 && box_survived(r) &&
			    r->end[0].fault.signal == SIGURG,
		    "no rseq on the worker; an isolate is stopped"))
		box_say("rseq", r);
	r = box_run(&rseq_on, session_rseq, NULL);
	/* By the kernel, or by the handler that finds a fault in T. */
	if (!tap_ok(r->number[OTHER] == 1 && !r->hung &&
			    (WIFSIGNALED(r->status) || r->fatal),
		    "with rseq on, that ends the process: control"))
		box_say("rseq", r);
}

int main(void)
{
	static const struct failure failures[] = {
		{"failed eviction", 1, false, 1},
		{"failed binding", 2, false, 0},
		{"failed release", 1, true, 1},
	};

	box_need_keys();
	try_many();
	try_stale();
	try_running();
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++)
		try_failure(&failures[i]);
	try_lying();
	try_rseq();
	return tap_plan();
}
