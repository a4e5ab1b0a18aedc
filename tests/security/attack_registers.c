/*
 * What is left in registers and flags when the gate is passed: from the runtime
 * to an isolate, from one isolate to the next, from an isolate to the runtime.
 *
 * Control: the gate with its clearing overwritten by NOPs. Without AVX-512 in
 * the machine (the emulator has none) its registers are not there to look at.
 */
#include <signal.h>
#include <string.h>

#include "tests/security/box.h"

enum {
	DF = 0x400,
	TF = 0x100,
	NT = 0x4000,
	AC = 0x40000,
	SPOILT = DF | TF | NT | AC,
	MXCSR = 0x1f80,
	X87 = 0x37f,
	/* Of the XSAVE area. */
	AT_X87 = 0,
	AT_MXCSR = 24,
	AT_ST = 32,
	AT_XMM = 160,
	LEGACY_END = 416,
	STOP_MS = 20,
};

/* Findings of a session, in report->number. */
enum finding {
	PATTERNS, /* words of the pattern found in the dump */
	NONZERO,  /* registers that should be 0 and are not */
	CONTROLS, /* flags, MXCSR, x87 control not as they should be */
	RIGHTS,	  /* PKRU is not U */
	FINDINGS
};

static const uint8_t pattern[32] __attribute__((aligned(32))) = {0xa1, 0xa2,
	0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6,
	0xa7, 0xa8, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa1, 0xa2,
	0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8};

static struct box_dump dump;

_Static_assert(sizeof(dump) <= BOX_AREA, "the area takes a dump");

/* T. ------------------------------------------------------------------------
 */

/* Half a word of it is enough, anywhere. */
static uint64_t count_patterns(void)
{
	const char *p = (const char *)&dump;
	uint64_t n = 0;

	for (size_t i = 0; i + 4 <= sizeof(dump); i++)
		n += memcmp(p + i, pattern, 4) == 0;
	return n;
}

/* RAX (the hostcall's result), RBX, RSP, RBP and R12-R15 are the isolate's. */
static uint64_t count_nonzero(void)
{
	static const int cleared[] = {0, 1, 2, 6, 7, 8, 9, 10, 11};
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(cleared) / sizeof(*cleared); i++)
		n += dump.gpr[cleared[i]] != 0;
	for (size_t i = AT_ST; i < LEGACY_END; i++)
		n += dump.xsave[i] != 0;
	return n;
}

static uint64_t count_controls(void)
{
	uint32_t mxcsr;
	uint16_t x87;

	memcpy(&mxcsr, dump.xsave + AT_MXCSR, sizeof(mxcsr));
	memcpy(&x87, dump.xsave + AT_X87, sizeof(x87));
	return (uint64_t)((dump.flags & SPOILT) != 0) + (mxcsr != MXCSR) +
	       (x87 != X87);
}

static void judge(struct box *b, struct box_isolate *iso)
{
	struct box_attack *a = (void *)iso->attack;
	int key = domain_key(&iso->domain);
	struct box_attack described;
	uint32_t pkru;

	gate_copy_out(&b->gate, key, &dump, a->area, sizeof(dump));
	gate_copy_out(&b->gate, key, &described, a, sizeof(described));
	memcpy(&pkru, dump.xsave + described.pkru_offset, sizeof(pkru));
	b->report->number[PATTERNS] = count_patterns();
	b->report->number[NONZERO] = count_nonzero();
	b->report->number[CONTROLS] = count_controls();
	b->report->number[RIGHTS] = pkru != described.pkru_own;
}

static void enter_patterned(struct box *b, struct box_isolate *iso)
{
	gate_target(b->thread, iso->ctl, iso->fs, domain_key(&iso->domain));
	(void)box_enter_patterned(b->gate.enter, pattern);
}

static struct box_end *new_end(struct box *b)
{
	return &b->report->end[b->report->n_ends++];
}

/* U. */
static void done_in(struct box_attack *a)
{
	(void)a;
	box_done();
}

/* U. */
static void dump_in(struct box_attack *a)
{
	box_dump_after_call(BOX_AGAIN, (void *)a->area);
	box_done();
}

static void session_entry(struct box *b, const void *arg)
{
	const struct box_attack a = {
		.n = {[BOX_N_START] = (uint64_t)box_start_dumping}};

	(void)arg;
	box_prepare(b, &b->attacker, done_in, &a);
	enter_patterned(b, &b->attacker);
	judge(b, &b->attacker);
	box_check(b, new_end(b));
}

static void session_return(struct box *b, const void *arg)
{
	struct box_end *end = new_end(b);

	(void)arg;
	box_prepare(b, &b->attacker, dump_in, NULL);
	box_enter(b, &b->attacker, end);
	enter_patterned(b, &b->attacker);
	judge(b, &b->attacker);
	end->ran = end->nr == BOX_AGAIN;
}

/* From one isolate to the next. ---------------------------------------------
 */

enum leaving {
	BY_CALL,
	BY_TRAP,
	BY_STOP
};

/* U. */
static void fill_in(struct box_attack *a)
{
	box_fill_vectors(a->area);
	switch ((enum leaving)a->n[0]) {
	case BY_CALL:
		box_done();
	case BY_TRAP:
		__builtin_trap();
	case BY_STOP:
		box_spin_at(a->stack + 4096);
	}
}

static void session_next(struct box *b, const void *arg)
{
	const enum leaving *how = arg;
	struct box_attack a = {.n = {*how}};
	const struct box_attack dumping = {
		.n = {[BOX_N_START] = (uint64_t)box_start_dumping}};
	struct box_end *end = new_end(b);

	memcpy(a.area, pattern, sizeof(pattern));
	box_prepare(b, &b->other, done_in, &dumping);
	box_prepare(b, &b->attacker, fill_in, &a);
	if (*how == BY_STOP)
		box_stop_in(b, STOP_MS);
	box_enter(b, &b->attacker, end);
	end->ran = true;
	gate_target(b->thread, b->other.ctl, b->other.fs,
		domain_key(&b->other.domain));
	b->thread->stop = 0;
	(void)b->gate.enter();
	judge(b, &b->other);
}

static bool clean(const struct box_report *r)
{
	for (int i = 0; i < FINDINGS; i++)
		if (r->number[i] != 0)
			return false;
	return r->status == 0 && r->n_ends == 1 && r->end[0].ran;
}

static void say_findings(const struct box_report *r)
{
	tap_say("patterns %lu, not zero %lu, controls %lu, rights %lu",
		r->number[PATTERNS], r->number[NONZERO], r->number[CONTROLS],
		r->number[RIGHTS]);
}

static void try_scrub(const char *name, box_session_fn *session,
	const void *arg, bool has_control)
{
	static const struct box_off no_scrub = {.scrub = true};
	const struct box_report *r = box_run(NULL, session, arg);

	if (!tap_ok(clean(r), "%s: clean", name)) {
		say_findings(r);
		box_say("defended", r);
	}
	if (!has_control)
		return;
	r = box_run(&no_scrub, session, arg);
	if (!tap_ok(r->number[PATTERNS] >= 8, "%s: control", name)) {
		say_findings(r);
		box_say("control", r);
	}
}

/* From an isolate to the runtime. -------------------------------------------
 */

/* U. */
static void spoil_in(struct box_attack *a)
{
	((void (*)(void))a->n[0])();
	box_done();
}

static const struct spoil {
	const char *name;
	void (*fn)(void);
	bool aborts; /* no way to get as far as the gate's exit with it */
} spoils[] = {
	{"DF", box_spoil_df, false},
	{"TF", box_spoil_tf, true},
	{"NT", box_spoil_nt, false},
	{"AC", box_spoil_ac, false},
	{"MXCSR", box_spoil_mxcsr, false},
	{"x87 control", box_spoil_x87, false},
};

static bool in_order(const struct box_end *e)
{
	return !(e->flags & SPOILT) && e->mxcsr == MXCSR && e->x87 == X87;
}

static void try_spoil(const struct spoil *s)
{
	static const struct box_off no_scrub = {.scrub = true};
	const struct box_attack a = {.n = {(uint64_t)s->fn}};
	const struct box_report *r = box_run_one(NULL, spoil_in, &a);
	const struct box_end *e = &r->end[0];
	int how = s->aborts ? GATE_ABORTED : GATE_LEFT;

	if (!tap_ok(box_survived(r) && e->how == how && in_order(e),
		    "%s spoilt by the isolate: in order outside", s->name)) {
		tap_say("flags %#lx mxcsr %#x x87 %#x", e->flags, e->mxcsr,
			e->x87);
		box_say("defended", r);
	}
	if (s->aborts)
		return;
	r = box_run_one(&no_scrub, spoil_in, &a);
	e = &r->end[0];
	if (!tap_ok(r->n_ends == 1 && !in_order(e),
		    "%s spoilt by the isolate: control", s->name))
		box_say("control", r);
}

int main(void)
{
	static const enum leaving leavings[] = {BY_CALL, BY_TRAP, BY_STOP};

	box_need_keys();
	try_scrub("registers at the first entry", session_entry, NULL, true);
	try_scrub("registers after a hostcall", session_return, NULL, true);
	try_scrub("registers of an isolate that left", session_next,
		&leavings[0], true);
	/* The frame that rt_sigreturn loads has them all initial: a second
	 * clearing, so that without the gate's nothing is seen either. */
	try_scrub("registers of an isolate that died", session_next,
		&leavings[1], false);
	try_scrub("registers of an isolate that was stopped", session_next,
		&leavings[2], false);
	for (size_t i = 0; i < sizeof(spoils) / sizeof(*spoils); i++)
		try_spoil(&spoils[i]);
	return tap_plan();
}
