/* See fuzz.h. */
#include "tests/security/fuzz.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "sandbox/dispatch.h"
#include "sandbox/filter.h"
#include "sandbox/policy.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

enum {
	CODE_SECCOMP = 1,
	NR_URETPROBE = 335,
	NR_UPROBE = 336,
	I386_GETPID = 20,
	ROWS_MAX = 64,
	LOOKED_AT = 4096, /* of a victim, after each call */
	EVERYTHING = 16,  /* all is looked at every so many calls */
};

/* What a box's report->number[] counts. */
enum {
	AT, /* the number it is at */
	TRIED,
	TRAPPED, /* SIGSYS, by the wall that should raise it */
	ANSWERED,
	SPECIAL,
	MADE, /* allowed by a policy without cookies */
	BAD,
};

enum set {
	VICTIM,
	LIKE_OURS,
	RUNTIME,
	NOTHING,
	OWN_MEMORY,
	RANDOM,
	SETS
};

struct plan {
	enum fuzz_dialect dialect;
	enum set set;
	int code; /* of the SIGSYS */
	bool cookieless;
};

/* Arguments. ---------------------------------------------------------------
 */

static uint64_t scramble(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	return x ^ x >> 32;
}

static uint64_t argument(
	const struct box *b, enum set set, uint64_t nr, unsigned i)
{
	const uint64_t own = (uint64_t)b->vault->attacker + (400 << 10);
	const uint64_t victim[6] = {box_place(b, BOX_PARKED), LOOKED_AT, 3,
		(uint64_t)domain_key(&b->attacker.domain),
		box_place(b, BOX_OTHER), 0};
	const uint64_t runtime[6] = {box_place(b, BOX_THREAD),
		box_place(b, BOX_STACK), 4096, box_place(b, BOX_SELECTOR),
		(uint64_t)gate_start, box_place(b, BOX_ALTSTACK)};
	const uint64_t mine[6] = {
		own, own + 512, 64, own + 1024, own + 2048, 8};
	const uint64_t ours[6] = {
		(unsigned)b->ring_fd, FUTEX_WAKE_PRIVATE, 0, 0, 0, 0};

	switch (set) {
	case VICTIM:
		return victim[i];
	case RUNTIME:
		return runtime[i];
	case OWN_MEMORY:
		return mine[i];
	case RANDOM:
		return scramble(nr << 3 | i);
	case LIKE_OURS:
		return ours[i];
	default:
		return 0;
	}
}

/* U. */
static void call_native(struct box_attack *a)
{
	box_got(box_syscall(a->n));
}

/* U. */
static void call_int80(struct box_attack *a)
{
	box_got(walls_int80(a->n));
}

/* Judging. ----------------------------------------------------------------- */

/* The worker's policy, but for what asks for the cookie. */
static const struct policy *policy_cookieless(void)
{
	static struct policy_row rows[ROWS_MAX];
	static struct policy policy;

	policy = policy_worker;
	policy.rows = rows;
	policy.n_rows = 0;
	for (size_t i = 0; i < policy_worker.n_rows; i++) {
		struct policy_row row = policy_worker.rows[i];
		unsigned kept = 0;
		bool drop = false;

		for (unsigned c = 0; c < row.n_conds; c++) {
			enum policy_with with = row.conds[c].with;

			drop |= with == POLICY_NOT_COOKIE;
			if (with == POLICY_VALUE || with == POLICY_RING_FD)
				row.conds[kept++] = row.conds[c];
		}
		row.n_conds = kept;
		CHECK(policy.n_rows < ROWS_MAX);
		if (!drop)
			rows[policy.n_rows++] = row;
	}
	return &policy;
}

static bool trapped(const struct box_end *e, int code, uint64_t nr)
{
	return e->how == GATE_ABORTED && e->fault.signal == SIGSYS &&
	       e->fault.code == code && e->fault.syscall == (int)nr;
}

static bool special(const struct box_end *e, uint64_t nr)
{
	if (nr == NR_URETPROBE)
		return e->how == GATE_ABORTED && e->fault.signal == SIGILL;
	return nr == NR_UPROBE && walls_got(e) && e->arg[0] == (uint64_t)-ENXIO;
}

/* What became of it, as a counter's index. */
static int judge(const struct box *b, const struct plan *p,
	const struct box_end *e, const uint64_t n[7])
{
	const struct policy_params params = {
		.cookie = b->cookie, .ring_fd = b->ring_fd};
	struct policy_act act;

	if (p->code == DISPATCH_SI_CODE || p->dialect != FUZZ_SYSCALL)
		return trapped(e, p->code, n[0]) ? TRAPPED : BAD;
	act = policy_decide(
		p->cookieless ? policy_cookieless() : &policy_worker, &params,
		(int)n[0], n + 1);
	if (act.verdict == POLICY_TRAP && trapped(e, p->code, n[0]))
		return TRAPPED;
	if (act.verdict == POLICY_ERRNO && walls_got(e) &&
		e->arg[0] == (uint64_t) - (int64_t)act.err)
		return ANSWERED;
	if (act.verdict == POLICY_ALLOW && p->cookieless)
		return MADE;
	return special(e, n[0]) ? SPECIAL : BAD;
}

static bool whole(const struct box *b, const struct box_end *e)
{
	for (unsigned i = 0; i < BOX_PLACES; i++)
		if (e->hurt[i])
			return false;
	for (unsigned i = 0; i < LOOKED_AT; i += sizeof(b->canary))
		if (memcmp(b->vault->heap + i, &b->canary, sizeof(b->canary)) !=
			0)
			return false;
	return e->alive && !e->leaked;
}

/* The session. ------------------------------------------------------------- */

static void fuzz_one(struct box *b, const struct plan *p, uint64_t nr)
{
	static struct box_attack a;
	struct box_report *r = b->report;
	struct box_end *e = &r->end[0];
	int how;

	memset(e, 0, sizeof(*e));
	a.n[0] = p->dialect == FUZZ_SYSCALL_X32 ? FUZZ_X32 | nr : nr;
	for (unsigned i = 0; i < 6; i++)
		a.n[i + 1] = argument(b, p->set, nr, i);
	box_prepare(b, &b->attacker,
		p->dialect == FUZZ_INT80 ? call_int80 : call_native, &a);
	box_enter(b, &b->attacker, e);
	e->ran = true;
	e->alive = e->pkru == b->thread->pkru;
	if (nr % EVERYTHING == 0)
		box_check(b, e);
	how = judge(b, p, e, a.n);
	if (!whole(b, e))
		how = BAD;
	r->number[how]++;
	r->number[TRIED]++;
	if (how == BAD && r->number[BAD] == 1)
		(void)snprintf(r->text, sizeof(r->text),
			"call %lu: how %d signal %d code %d number %d value "
			"%#lx alive %d",
			nr, e->how, e->fault.signal, e->fault.code,
			e->fault.syscall, e->arg[0], e->alive);
}

static void session(struct box *b, const void *arg)
{
	const struct policy_params params = {
		.cookie = b->cookie, .ring_fd = b->ring_fd};
	const struct plan *p = arg;

	if (p->cookieless && filter_load(policy_cookieless(), &params) != 0)
		return;
	b->report->n_ends = 1;
	for (uint64_t nr = 0; nr <= FUZZ_LAST; nr++) {
		b->report->number[AT] = nr;
		fuzz_one(b, p, nr);
	}
}

/* The attack. -------------------------------------------------------------- */

static bool unharmed(const struct box_report *r)
{
	const struct box_end *e = &r->end[0];

	return r->status == 0 && !r->hung && r->n_ends == 1 &&
	       r->number[TRIED] == FUZZ_LAST + 1 && r->number[BAD] == 0 &&
	       !e->hurt[BOX_HEAP] && !e->hurt[BOX_OTHER] &&
	       !e->hurt[BOX_PARKED];
}

static const char *const set_name[SETS] = {[VICTIM] = "victims",
	[LIKE_OURS] = "as the runtime calls",
	[RUNTIME] = "the runtime",
	[NOTHING] = "null",
	[OWN_MEMORY] = "own memory",
	[RANDOM] = "random"};

struct wall {
	const char *name;
	struct box_off off;
	int code;
};

static void fuzz_wall(enum fuzz_dialect dialect, const struct wall *w)
{
	struct plan p = {.dialect = dialect, .code = w->code};
	const char *name = w->name;
	uint64_t sum[BAD + 1] = {0};

	for (; p.set < SETS; p.set++) {
		const struct box_report *r = box_run(&w->off, session, &p);

		if (!attack_held(unharmed(r), "%s, %s", name, set_name[p.set]))
			box_say(name, r);
		for (unsigned i = TRIED; i <= BAD; i++)
			sum[i] += r->number[i];
	}
	attack_note("%s: %lu calls, %lu refused by SIGSYS, %lu by an error, "
		    "%lu special, %lu made",
		name, sum[TRIED], sum[TRAPPED], sum[ANSWERED], sum[SPECIAL],
		sum[BAD]);
}

/* Cookies matter to the filter's native calls alone. */
static void fuzz_cookieless(void)
{
	static const struct box_off off = {.dispatch = true, .filter = true};
	struct plan p = {.code = CODE_SECCOMP, .cookieless = true};
	uint64_t tried = 0;
	uint64_t made = 0;

	for (; p.set < SETS; p.set++) {
		const struct box_report *r = box_run(&off, session, &p);

		if (!attack_worked(r->n_ends == 1 && r->number[MADE] > 0,
			    "the cookie check off, %s", set_name[p.set]))
			box_say("the cookie check off", r);
		tried += r->number[TRIED];
		made += r->number[MADE];
	}
	attack_note("the cookie check off: %lu calls, %lu made", tried, made);
}

/* Facts that are nobody's secret, with nothing in the way. */
static void fuzz_harmless(enum fuzz_dialect dialect)
{
	static const struct box_off off = {.dispatch = true, .filter = true};
	static const uint64_t native[] = {SYS_getpid, SYS_gettid, SYS_getppid,
		SYS_getuid, SYS_sched_yield};
	static const uint64_t i386[] = {I386_GETPID, 24, 64, 158, 224};

	for (size_t i = 0; i < sizeof(native) / sizeof(*native); i++) {
		struct box_attack a = {.n = {native[i]}};
		const struct box_report *r;

		if (dialect == FUZZ_SYSCALL_X32)
			a.n[0] |= FUZZ_X32;
		if (dialect == FUZZ_INT80)
			a.n[0] = i386[i];
		r = box_run_one(&off,
			dialect == FUZZ_INT80 ? call_int80 : call_native, &a);
		if (!attack_worked(walls_got(&r->end[0]),
			    "both off: call %#lx made", a.n[0]))
			box_say("both off", r);
	}
}

void fuzz_run(enum fuzz_dialect dialect)
{
	static const struct wall both = {"both walls", {0}, DISPATCH_SI_CODE};
	static const struct wall filter = {
		"dispatch off", {.dispatch = true}, CODE_SECCOMP};
	static const struct wall dispatch = {
		"filter off", {.filter = true}, DISPATCH_SI_CODE};

	fuzz_wall(dialect, &both);
	fuzz_wall(dialect, &filter);
	fuzz_wall(dialect, &dispatch);
	if (dialect == FUZZ_SYSCALL)
		fuzz_cookieless();
	fuzz_harmless(dialect);
}
