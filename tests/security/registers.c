/* See registers.h. Test side. */
#include "tests/security/registers.h"

#include <string.h>

#include "tests/security/attack.h"

enum {
	DF = 0x400,
	TF = 0x100,
	NT = 0x4000,
	RF = 0x10000,
	AC = 0x40000,
	ID = 0x200000,
	SPOILT = DF | TF | NT | RF | AC | ID,
	MXCSR = 0x1f80,
	X87 = 0x37f,
	/* Of the XSAVE area. */
	AT_X87 = 0,
	AT_MXCSR = 24,
	AT_ST = 32,
	AT_XMM = 160,
	LEGACY_END = 416,
	AT_EXTENDED = 576,
	STOP_MS = 20,
};

/* Findings of a session, in report->number. */
enum {
	PATTERNS = 0, /* + class: words of the pattern */
	NONZERO = 4,  /* + class: registers or words not as they should be */
};

static const uint8_t pattern[32] __attribute__((aligned(32))) = {0xa1, 0xa2,
	0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6,
	0xa7, 0xa8, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa1, 0xa2,
	0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8};

static const char *const when_name[REGISTERS_WHENS] = {
	[REGISTERS_ENTRY] = "at the first entry",
	[REGISTERS_RETURN] = "after a hostcall",
	[REGISTERS_CALL] = "of an isolate that left",
	[REGISTERS_TRAP] = "of an isolate that died",
	[REGISTERS_STOP] = "of an isolate that was stopped",
};

static struct box_dump dump;

_Static_assert(sizeof(dump) <= BOX_AREA, "the area takes a dump");

/* T. ------------------------------------------------------------------------
 */

/* Half a word of it is enough, anywhere. */
static uint64_t count_patterns(const void *from, size_t n)
{
	const char *p = from;
	uint64_t found = 0;

	for (size_t i = 0; i + 4 <= n; i++)
		found += memcmp(p + i, pattern, 4) == 0;
	return found;
}

static uint64_t count_bytes(size_t from, size_t to)
{
	uint64_t n = 0;

	for (size_t i = from; i < to; i++)
		n += dump.xsave[i] != 0;
	return n;
}

/* RAX (the hostcall's result), RBX, RSP, RBP and R12-R15 are the isolate's. */
static uint64_t count_general(void)
{
	static const int cleared[] = {1, 2, 6, 7, 8, 9, 10, 11, 0};
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(cleared) / sizeof(*cleared); i++)
		n += dump.gpr[cleared[i]] != 0;
	return n;
}

static uint64_t count_controls(const struct box_attack *described)
{
	uint32_t mxcsr, pkru;
	uint16_t x87;

	memcpy(&mxcsr, dump.xsave + AT_MXCSR, sizeof(mxcsr));
	memcpy(&x87, dump.xsave + AT_X87, sizeof(x87));
	memcpy(&pkru, dump.xsave + described->pkru_offset, sizeof(pkru));
	return (uint64_t)((dump.flags & SPOILT) != 0) + (mxcsr != MXCSR) +
	       (x87 != X87) + (pkru != described->pkru_own);
}

static void judge(struct box *b, struct box_isolate *iso)
{
	static struct box_attack described;
	struct box_attack *a = (void *)iso->attack;
	uint64_t *number = b->report->number;
	int key = domain_key(&iso->domain);

	gate_copy_out(&b->gate, key, &dump, a->area, sizeof(dump));
	gate_copy_out(&b->gate, key, &described, a, sizeof(described));
	number[PATTERNS + REGISTERS_GENERAL] =
		count_patterns(dump.gpr, sizeof(dump.gpr));
	number[PATTERNS + REGISTERS_VECTOR] =
		count_patterns(dump.xsave + AT_XMM, LEGACY_END - AT_XMM) +
		count_patterns(dump.xsave + AT_EXTENDED,
			sizeof(dump.xsave) - AT_EXTENDED);
	number[PATTERNS + REGISTERS_X87] =
		count_patterns(dump.xsave + AT_ST, AT_XMM - AT_ST);
	number[NONZERO + REGISTERS_GENERAL] = count_general();
	number[NONZERO + REGISTERS_VECTOR] = count_bytes(AT_XMM, LEGACY_END);
	number[NONZERO + REGISTERS_X87] = count_bytes(AT_ST, AT_XMM);
	number[NONZERO + REGISTERS_CONTROL] = count_controls(&described);
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

/* As after floating point of the runtime's, which is nobody's business. */
static void use_floats(void)
{
	const uint32_t sticky = MXCSR | 0x3f;

	__asm__ volatile("ldmxcsr %0" : : "m"(sticky));
}

static void session_entry(struct box *b)
{
	const struct box_attack a = {
		.n = {[BOX_N_START] = (uint64_t)box_start_dumping}};

	box_prepare(b, &b->attacker, done_in, &a);
	use_floats();
	enter_patterned(b, &b->attacker);
	judge(b, &b->attacker);
	box_check(b, new_end(b));
}

static void session_return(struct box *b)
{
	struct box_end *end = new_end(b);

	box_prepare(b, &b->attacker, dump_in, NULL);
	box_enter(b, &b->attacker, end);
	use_floats();
	enter_patterned(b, &b->attacker);
	judge(b, &b->attacker);
	end->ran = end->nr == BOX_AGAIN;
}

/* From one isolate to the next. ---------------------------------------------
 */

/* U: control words, then vector and x87, then general registers; leaves. */
static void fill_in(struct box_attack *a)
{
	const uint16_t x87 = 0;
	const uint32_t mxcsr = 0xe040;

	if (a->n[1] == REGISTERS_CONTROL) {
		__asm__ volatile("fldcw %0" : : "m"(x87));
		__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
		__asm__ volatile("std");
	}
	box_fill_vectors(a->area);
	box_fill_general(a->area, (enum box_leaving)a->n[0]);
	box_done();
}

static void session_next(
	struct box *b, enum registers_class class, enum box_leaving how)
{
	struct box_attack a = {.n = {how, class}};
	const struct box_attack dumping = {
		.n = {[BOX_N_START] = (uint64_t)box_start_dumping}};
	struct box_end *end = new_end(b);

	memcpy(a.area, pattern, sizeof(pattern));
	box_prepare(b, &b->other, done_in, &dumping);
	box_prepare(b, &b->attacker, fill_in, &a);
	if (how == BOX_BY_STOP)
		box_stop_in(b, STOP_MS);
	gate_target(b->thread, b->attacker.ctl, b->attacker.fs,
		domain_key(&b->attacker.domain));
	b->thread->stop = 0;
	(void)b->gate.enter();
	gate_target(b->thread, b->other.ctl, b->other.fs,
		domain_key(&b->other.domain));
	b->thread->stop = 0;
	end->ran = b->gate.enter() == GATE_LEFT;
	judge(b, &b->other);
}

struct plan {
	enum registers_class class;
	enum registers_when when;
};

static void session(struct box *b, const void *arg)
{
	const struct plan *p = arg;

	switch (p->when) {
	case REGISTERS_ENTRY:
		session_entry(b);
		break;
	case REGISTERS_RETURN:
		session_return(b);
		break;
	case REGISTERS_CALL:
		session_next(b, p->class, BOX_BY_CALL);
		break;
	case REGISTERS_TRAP:
		session_next(b, p->class, BOX_BY_TRAP);
		break;
	case REGISTERS_STOP:
	case REGISTERS_WHENS:
		session_next(b, p->class, BOX_BY_STOP);
		break;
	}
}

/* Verdicts. -----------------------------------------------------------------
 */

static void say(const char *what, const struct box_report *r,
	enum registers_class class)
{
	attack_say("%lu of the pattern, %lu not as they should be",
		r->number[PATTERNS + class], r->number[NONZERO + class]);
	box_say(what, r);
}

void registers_clean(enum registers_class class)
{
	struct plan p = {.class = class};

	for (p.when = 0; p.when < REGISTERS_WHENS; p.when++) {
		const struct box_report *r = box_run(NULL, session, &p);
		bool ran = r->status == 0 && r->n_ends == 1 && r->end[0].ran;

		if (!attack_held(ran && r->number[PATTERNS + class] == 0 &&
					 r->number[NONZERO + class] == 0,
			    "registers %s", when_name[p.when]))
			say("defended", r, class);
	}
}

void registers_left(
	enum registers_class class, enum registers_when when, unsigned least)
{
	static const struct box_off no_scrub = {.scrub = true};
	const struct plan p = {class, when};
	const struct box_report *r = box_run(&no_scrub, session, &p);
	unsigned at = class == REGISTERS_CONTROL ? NONZERO : PATTERNS;

	if (!attack_worked(r->number[at + class] >= least, "registers %s",
		    when_name[when]))
		say("control", r, class);
}

bool registers_have(unsigned feature)
{
	uint32_t lo, hi, wanted = feature & GATE_FEATURE_AVX512 ? 0xe6 : 0x6;

	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (lo & wanted) == wanted;
}

/* From an isolate to the runtime. -------------------------------------------
 */

/* U. */
static void spoil_in(struct box_attack *a)
{
	((void (*)(void))a->n[0])();
	box_done();
}

bool registers_in_order(const struct box_end *e)
{
	return !(e->flags & SPOILT) && e->mxcsr == MXCSR && e->x87 == X87;
}

static void say_spoilt(const char *what, const struct box_report *r)
{
	const struct box_end *e = &r->end[0];

	attack_say("flags %#lx mxcsr %#x x87 %#x", e->flags, e->mxcsr, e->x87);
	box_say(what, r);
}

void registers_spoil(const char *name, void (*fn)(void))
{
	static const struct box_off no_scrub = {.scrub = true};
	const struct box_attack a = {.n = {(uint64_t)fn}};
	const struct box_report *r = box_run_one(NULL, spoil_in, &a);

	if (!attack_held(box_survived(r) && r->end[0].how == GATE_LEFT &&
				 registers_in_order(&r->end[0]),
		    "%s", name))
		say_spoilt("defended", r);
	r = box_run_one(&no_scrub, spoil_in, &a);
	if (!attack_worked(r->n_ends == 1 && !registers_in_order(&r->end[0]),
		    "%s", name))
		say_spoilt("control", r);
}
