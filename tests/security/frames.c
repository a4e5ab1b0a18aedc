/* See frames.h. */
#include "tests/security/frames.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/security/attack.h"

/* walls_asm.S, box_asm.S. U. */
void frames_page_at(uint64_t rsp, uint64_t other);
void frames_noexec_at(uint64_t rsp, uint64_t other);
void frames_key_at(uint64_t rsp, uint64_t other);
void frames_int3_at(uint64_t rsp, uint64_t other);
void frames_icebp_at(uint64_t rsp, uint64_t other);
void frames_hlt_at(uint64_t rsp, uint64_t other);
void frames_canonical_at(uint64_t rsp, uint64_t other);
void frames_step_at(uint64_t rsp, uint64_t other);
void frames_align_at(uint64_t rsp, uint64_t other);
void frames_simd_at(uint64_t rsp, uint64_t other);
void frames_x87_at(uint64_t rsp, uint64_t other);

static void trap_at(uint64_t rsp, uint64_t other)
{
	(void)other;
	box_trap_at(rsp);
}

static void divide_at(uint64_t rsp, uint64_t other)
{
	(void)other;
	box_divide_at(rsp);
}

static void call_at(uint64_t rsp, uint64_t other)
{
	(void)other;
	box_syscall_at(rsp);
}

static void spin_at(uint64_t rsp, uint64_t other)
{
	(void)other;
	box_spin_at(rsp);
}

enum {
	CODE_DISPATCH = 2,
	STOP_MS = 20,
	/* On a machine that has much else to do the attacker may not be in
	 * place by then. */
	STOP_LONGEST_MS = 2000,
};

const struct frames_trigger
	frames_trap = {"UD2", trap_at, SIGILL, ILL_ILLOPN, 0, 0},
	frames_divide = {"division by zero", divide_at, SIGFPE, FPE_INTDIV, 0,
		0},
	frames_call = {"a refused call", call_at, SIGSYS, CODE_DISPATCH, 0, 0},
	frames_page = {"a write to null", frames_page_at, SIGSEGV, SEGV_MAPERR,
		0, 0},
	frames_noexec = {"a jump to data", frames_noexec_at, SIGSEGV,
		SEGV_ACCERR, 0, 0},
	frames_key = {"a denied key", frames_key_at, SIGSEGV, SEGV_PKUERR,
		.victim = true},
	frames_int3 = {"INT3", frames_int3_at, SIGTRAP, SI_KERNEL, 0, 0},
	frames_icebp = {"INT1", frames_icebp_at, SIGTRAP, TRAP_BRKPT,
		.hardware = true},
	frames_hlt = {"HLT", frames_hlt_at, SIGSEGV, SI_KERNEL, 0, 0},
	frames_canonical = {"a non-canonical address", frames_canonical_at,
		SIGSEGV, SI_KERNEL, 0, 0},
	frames_step = {"a single step", frames_step_at, SIGTRAP, TRAP_TRACE, 0,
		0},
	frames_align = {"alignment check", frames_align_at, SIGBUS, BUS_ADRALN,
		.hardware = true},
	frames_simd = {"vector exception", frames_simd_at, SIGFPE, FPE_FLTDIV,
		.hardware = true},
	frames_x87 = {"x87 exception", frames_x87_at, SIGFPE, FPE_FLTDIV, 0, 0},
	frames_stop = {
		"the keeper's SIGURG", spin_at, SIGURG, SI_TKILL, .stop = true};

struct plan {
	const struct frames_trigger *t;
	enum box_place place;
	bool at_place; /* rsp is in the middle of it */
	bool on_altstack;
	uint64_t rsp; /* an address, or an offset */
	unsigned stop_ms;
};

/* U. */
static void fault_at(struct box_attack *a)
{
	void (*at)(uint64_t, uint64_t) = (void (*)(uint64_t, uint64_t))a->n[0];

	at(a->rsp, a->n[1] ? a->n[1] : (uint64_t)a->area);
	box_done();
}

static void session(struct box *b, const void *arg)
{
	const struct plan *p = arg;
	static struct box_attack a;

	memset(&a, 0, sizeof(a));
	a.rsp = p->rsp;
	a.n[0] = (uint64_t)p->t->at;
	if (p->at_place)
		a.rsp = box_place(b, p->place) + BOX_PATTERN / 2;
	if (p->on_altstack)
		a.rsp = (uint64_t)b->thread->altstack + p->rsp;
	if (p->t->victim)
		a.n[1] = box_place(b, BOX_HEAP);
	if (p->t->stop)
		box_stop_in(b, p->stop_ms);
	(void)box_attack(b, fault_at, &a);
}

static bool caught(const struct box_report *r, const struct frames_trigger *t)
{
	static const struct frames_trigger *noted;
	const struct gate_fault *f = &r->end[0].fault;

	if (!box_survived(r) || r->end[0].how != GATE_ABORTED)
		return false;
	if (f->signal == t->signal && f->code == t->code)
		return true;
	if (!t->hardware || f->signal != SIGILL)
		return false;
	if (noted != t)
		attack_note("this CPU raises no %s, but the UD2 behind it",
			t->name);
	noted = t;
	return true;
}

static bool died(const struct box_report *r)
{
	return r->n_ends == 1 && WIFSIGNALED(r->status) && !r->hung;
}

/* What a run has to come to, and for which place. */
typedef bool frames_good(const struct box_report *r, const struct plan *p);

static bool is_caught(const struct box_report *r, const struct plan *p)
{
	return caught(r, p->t);
}

static bool is_hurt(const struct box_report *r, const struct plan *p)
{
	return r->n_ends == 1 && r->end[0].hurt[p->place];
}

static bool is_dead(const struct box_report *r, const struct plan *p)
{
	(void)p;
	return died(r);
}

/* A stop that came too early is tried again, later. */
static bool come_to(frames_good *good, const struct box_off *off,
	const struct plan *p, const char *say)
{
	struct plan now = *p;
	const struct box_report *r;

	for (now.stop_ms = STOP_MS; now.stop_ms <= STOP_LONGEST_MS;
		now.stop_ms *= 10) {
		r = box_run(off, session, &now);
		if (good(r, p))
			return true;
		if (!p->t->stop)
			break;
	}
	box_say(say, r);
	return false;
}

void frames_try_places(const struct frames_trigger *t)
{
	static const enum box_place places[] = {
		BOX_HEAP, BOX_OTHER, BOX_PARKED};
	static const struct box_off off = {.onstack = true};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const struct plan p = {t, places[i], .at_place = true};
		const char *name = box_place_name[places[i]];

		(void)attack_held(come_to(is_caught, NULL, &p, "defended"),
			"%s, stack in %s", t->name, name);
		(void)attack_worked(come_to(is_hurt, &off, &p, "control"),
			"%s, stack in %s", t->name, name);
	}
}

void frames_try_altstack(
	const struct frames_trigger *t, uint64_t offset, bool controls)
{
	static const struct box_off off = {.autodisarm = true};
	const struct plan p = {t, .on_altstack = true, .rsp = offset};

	(void)attack_held(come_to(is_caught, NULL, &p, "defended"),
		"%s, stack at byte %lu of it", t->name, offset);
	if (controls)
		(void)attack_worked(come_to(is_dead, &off, &p, "control"),
			"%s, stack at byte %lu of it", t->name, offset);
}

void frames_try_address(
	const struct frames_trigger *t, const char *where, uint64_t rsp)
{
	static const struct box_off off = {.onstack = true};
	const struct plan p = {t, .rsp = rsp};

	(void)attack_held(come_to(is_caught, NULL, &p, "defended"),
		"%s, stack %s", t->name, where);
	(void)attack_worked(come_to(is_dead, &off, &p, "control"),
		"%s, stack %s", t->name, where);
}
