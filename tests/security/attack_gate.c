/*
 * Jumps into the gate. Isolate code can jump to any byte of it with registers
 * of its choice; every jump here leads, wherever the gate lets go, to code that
 * tries to read a secret.
 *
 * Control: the same jumps into the same gate with the UD2s of its checks
 * overwritten. What is guarded by something else (a touch of key 0, an
 * instruction that faults by itself) has no such control and is marked so.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/dispatch.h"
#include "tests/security/box.h"
#include "tests/security/forge.h"

extern const unsigned char gate_code_begin[], gate_code_end[];
void gate_enter_mpk(void);
void gate_exit_mpk(void);
void gate_copy_mpk(void);
void gate_trust_mpk(void);
void gate_fault_mpk(void);
void gate_enter_soft(void);
void gate_aborted(void);

/* Values of registers that only the isolate knows; see jump_value(). */
enum token {
	FRAME = 0xf00d0001, /* what gate_enter pops, then loot */
	FAKE,		    /* a gate_thread of the isolate's own making */
	FORGED,		    /* a signal frame likewise */
	SECRET,
	BUFFER,
	ALTSTACK,
	PKRU_OWN,
	PKRU_OTHER,
	PKRU_BOTH, /* both isolates' memory */
	PKRU_TRUSTED,
};

enum {
	FRAME_AT = 6144,
	FAKE_AT = 8192,
	BUFFER_AT = 9216,
	STACK_USED = 16 << 10,
	SYSCALL_SITE = 7, /* length of mov $15, %eax; syscall */
	SITES_MAX = 32,
};

/* What one jump does for its attacker when the checks are gone. */
enum control {
	NONE,	/* other things stop it as well */
	LEAKS,	/* the secret is read */
	OPENS,	/* the runtime goes on with wrong rights */
	BREAKS, /* the worker does not survive */
};

struct plan {
	const char *name;
	struct box_jump jump;
	enum box_place loot;
	enum control control;
	uint64_t gs; /* offset from the pages + 1; 0: leave it */
};

/* U. ------------------------------------------------------------------------
 */

static uint64_t jump_value(const struct box_attack *a, uint64_t v)
{
	uint64_t area = (uint64_t)a->area;

	switch (v) {
	case FRAME:
		return area + FRAME_AT;
	case FAKE:
		return area + FAKE_AT;
	case FORGED:
		return area;
	case SECRET:
		return a->place[a->n[0]];
	case BUFFER:
		return area + BUFFER_AT;
	case ALTSTACK:
		return a->place[BOX_ALTSTACK] + GATE_ALTSTACK_SIZE / 2;
	case PKRU_OWN:
		return a->pkru_own;
	case PKRU_OTHER:
		return a->pkru_other;
	case PKRU_BOTH:
		return a->pkru_other & a->pkru_own;
	case PKRU_TRUSTED:
		return a->pkru_trusted;
	default:
		return v;
	}
}

/* Everything that the gate might pick up, filled to the attacker's liking. */
static void jump_in(struct box_attack *a)
{
	uint64_t *frame = (void *)(a->area + FRAME_AT);
	struct gate_thread *fake = (void *)(a->area + FAKE_AT);
	struct gate_ctl *ctl = (void *)a->ctl;
	uint64_t *regs = (uint64_t *)&a->jump;

	if (!a->jump.rbx)
		a->jump.rbx = SECRET;
	a->jump.r12 = a->pkru_own;
	a->jump.r13 = a->stack + STACK_USED;
	a->jump.r15 = box_gs();
	if (!a->jump.rsp)
		a->jump.rsp = (uint64_t)&box_returns[32];
	(void)forge_frame(a, forge_loot);
	for (size_t i = 0; i < sizeof(a->jump) / sizeof(*regs); i++)
		regs[i] = jump_value(a, regs[i]);
	frame[0] = a->jump.r15;
	frame[2] = a->jump.r13;
	frame[3] = a->jump.r12;
	frame[5] = a->jump.rbx;
	frame[6] = (uint64_t)box_loot;
	ctl->rsp = (uint64_t)frame;
	fake->rsp = (uint64_t)frame;
	fake->fault_sp = (uint64_t)a->area - 8;
	fake->page = (void *)a->jump.r15;
	fake->pkru = a->pkru_trusted;
	fake->in_fault = 1;
	if (a->n[1])
		box_set_gs(a->n[1]);
	box_jump(&a->jump);
}

/* T. ------------------------------------------------------------------------
 */

static void session(struct box *b, const void *arg)
{
	const struct plan *p = arg;
	struct box_attack a = {.jump = p->jump, .n = {p->loot}};

	if (p->gs)
		a.n[1] = (uint64_t)b->gate.pages + p->gs - 1;
	(void)box_attack(b, jump_in, &a);
}

static bool control_held(const struct box_report *r, enum control control)
{
	const struct box_end *e = &r->end[0];

	switch (control) {
	case LEAKS:
		return e->how == GATE_LEFT && e->leaked;
	case OPENS:
		return e->ran && e->pkru == 0;
	case BREAKS:
		return !box_survived(r);
	case NONE:
		break;
	}
	return false;
}

static void try_jump(const struct plan *p)
{
	static const struct box_off no_checks = {.checks = true};
	const struct box_report *r = box_run(NULL, session, p);

	if (!tap_ok(box_survived(r), "%s: nothing gained", p->name))
		box_say("defended", r);
	if (p->control == NONE)
		return;
	r = box_run(&no_checks, session, p);
	if (!tap_ok(control_held(r, p->control), "%s: control", p->name))
		box_say("control", r);
}

/* WRPKRU. -------------------------------------------------------------------
 */

static const struct piece {
	const char *name;
	void (*start)(void);
} pieces[] = {
	{"gate_enter", gate_enter_mpk},
	{"gate_exit", gate_exit_mpk},
	{"gate_copy", gate_copy_mpk},
	{"gate_trust", gate_trust_mpk},
	{"gate_fault", gate_fault_mpk},
	{NULL, gate_enter_soft},
};

static const char *piece_name(const unsigned char *at)
{
	for (int i = 0; pieces[i].name; i++)
		if (at >= (const unsigned char *)pieces[i].start &&
			at < (const unsigned char *)pieces[i + 1].start)
			return pieces[i].name;
	return "?";
}

/* Every place in the gate where these bytes stand, under a mask of the last. */
static unsigned find_sites(const char *bytes, size_t n, unsigned char mask,
	const unsigned char *ret_sites[SITES_MAX])
{
	unsigned found = 0;

	for (const unsigned char *p = gate_code_begin; p + n <= gate_code_end;
		p++)
		if (memcmp(p, bytes, n - 1) == 0 &&
			(p[n - 1] & mask) == (unsigned char)bytes[n - 1] &&
			found < SITES_MAX)
			ret_sites[found++] = p;
	return found;
}

static const struct value {
	const char *name;
	uint64_t eax;
	enum box_place loot;
} values[] = {
	{"all keys open", 0, BOX_HEAP},
	{"T", PKRU_TRUSTED, BOX_HEAP},
	{"another isolate's U", PKRU_OTHER, BOX_OTHER},
	{"its own and another's U", PKRU_BOTH, BOX_OTHER},
	{"its own U", PKRU_OWN, BOX_HEAP},
	{"the kernel's default", 0x55555554, BOX_HEAP},
};

/* What a jump to this WRPKRU with this value would bring without the check. */
static enum control wrpkru_control(const char *piece, const struct value *v)
{
	bool opens = v->eax == 0 || v->eax == PKRU_TRUSTED;

	/* It goes on from the isolate's own memory: of no use without that. */
	if (strcmp(piece, "gate_enter") == 0)
		return v->eax == 0 || v->eax == PKRU_BOTH ? LEAKS : NONE;
	if (strcmp(piece, "gate_exit") == 0)
		return v->eax == 0 ? OPENS : NONE;
	/* The rest of gate_fault puts PKRU right by rt_sigreturn. */
	if (strcmp(piece, "gate_fault") == 0)
		return NONE;
	return opens ? LEAKS : NONE;
}

static void try_wrpkru(const unsigned char *site, const struct value *v)
{
	char name[128];
	struct plan p = {.name = name,
		.loot = v->loot,
		.control = wrpkru_control(piece_name(site), v),
		.jump = {.rax = v->eax, .r11 = (uint64_t)site}};

	(void)snprintf(name, sizeof(name), "WRPKRU at %s+%#lx with %s",
		piece_name(site), (unsigned long)(site - gate_code_begin),
		v->name);
	try_jump(&p);
	(void)snprintf(name, sizeof(name), "WRPKRU at %s+%#lx with %s, GS zero",
		piece_name(site), (unsigned long)(site - gate_code_begin),
		v->name);
	p.jump.gs_zero = 1;
	p.control = NONE;
	try_jump(&p);
}

/* The harness itself: a WRPKRU without any check does open what it opens. */
static void try_naked(const struct value *v)
{
	const struct plan p = {.loot = v->loot,
		.jump = {.rax = v->eax, .r11 = (uint64_t)box_naked_wrpkru}};
	const struct box_report *r = box_run(NULL, session, &p);
	bool opens = v->eax != PKRU_OWN;

	/* With S shut not even the exit can be found: it ends in a fault, and
	 * the value was no use. */
	if (v->eax == 0x55555554)
		opens = false;
	if (!tap_ok(r->end[0].leaked == opens, "a WRPKRU unchecked, %s: %s",
		    v->name, opens ? "leaks" : "no use"))
		box_say("naked", r);
}

static void try_all_wrpkru(void)
{
	const unsigned char *sites[SITES_MAX];
	unsigned n = find_sites("\x0f\x01\xef", 3, 0xff, sites);

	tap_ok(n == 6, "the gate has 6 WRPKRU: %u", n);
	for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++)
		try_naked(&values[v]);
	for (unsigned i = 0; i < n; i++)
		for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++)
			try_wrpkru(sites[i], &values[v]);
}

/* Bases. --------------------------------------------------------------------
 */

static void try_base(const unsigned char *site, uint64_t base, const char *to)
{
	char name[128];
	struct plan p = {.name = name,
		.loot = BOX_HEAP,
		.jump = {.rcx = base,
			.rsi = BUFFER,
			.rax = FAKE,
			.rdi = FAKE,
			.r11 = (uint64_t)site}};

	(void)snprintf(name, sizeof(name), "WR?SBASE at %s+%#lx, base %s",
		piece_name(site), (unsigned long)(site - gate_code_begin), to);
	try_jump(&p);
}

static void try_all_bases(void)
{
	const unsigned char *sites[SITES_MAX];
	unsigned n = find_sites("\xf3\x48\x0f\xae\xd0", 5, 0xf0, sites);

	tap_ok(n >= 4, "the gate writes FS or GS at %u places", n);
	for (unsigned i = 0; i < n; i++) {
		try_base(sites[i], SECRET, "in trusted memory");
		try_base(sites[i], BUFFER, "in its own memory");
		try_base(sites[i], 0, "0");
	}
}

/* Pages that are not this worker's. -----------------------------------------
 */

static void try_pages(void)
{
	static const struct {
		const char *name;
		uint64_t at;
	} pages[] = {
		{"the first thread's page", 0},
		{"a page of no thread", 5 * GATE_PAGE_SIZE},
		{"the middle of its page", GATE_PAGE_SIZE + 64},
		{"behind the pages", GATE_MAX_THREADS * GATE_PAGE_SIZE},
		{"before the pages", -(uint64_t)GATE_PAGE_SIZE},
	};

	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		char name[128];
		const struct plan p = {.name = name,
			.loot = BOX_HEAP,
			.gs = pages[i].at + 1,
			.jump = {.r11 = (uint64_t)gate_exit_mpk}};

		(void)snprintf(name, sizeof(name), "exit with GS at %s",
			pages[i].name);
		try_jump(&p);
	}
}

/*
 * The page of a worker that is in an isolate right now, on another CPU: all of
 * it is genuine. Believed, it would continue that worker's trusted code here.
 */
static struct box *the_box;

static void hijacked(void)
{
	the_box->report->number[0] = 1;
	the_box->done = true;
	for (;;)
		__builtin_ia32_pause();
}

static void session_borrowed(struct box *b, const void *arg)
{
	static uint64_t stack[64];
	struct gate_thread *other = &b->gate.threads[0];

	the_box = b;
	stack[32 + 6] = (uint64_t)hijacked;
	other->rsp = (uint64_t)&stack[32];
	other->state = GATE_STATE_ISOLATE;
	other->page->aux = b->thread->page->aux + 1;
	session(b, arg);
}

static void try_borrowed(void)
{
	static const struct box_off no_checks = {.checks = true};
	const struct plan p = {.loot = BOX_HEAP,
		.gs = 1,
		.jump = {.r11 = (uint64_t)gate_exit_mpk}};
	const struct box_report *r = box_run(NULL, session_borrowed, &p);

	if (!tap_ok(box_survived(r) && r->number[0] == 0,
		    "exit with GS at another worker's page: nothing gained"))
		box_say("defended", r);
	r = box_run(&no_checks, session_borrowed, &p);
	if (!tap_ok(r->number[0] == 1,
		    "exit with GS at another worker's page: control"))
		box_say("control", r);
}

/* Entries and middles. ------------------------------------------------------
 */

static uint64_t find_one(const char *bytes, size_t n, void (*from)(void))
{
	const unsigned char *p = (const unsigned char *)from;

	while (p + n <= gate_code_end && memcmp(p, bytes, n) != 0)
		p++;
	return tap_ok(p + n <= gate_code_end, "found a place to jump to")
		       ? (uint64_t)p
		       : (uint64_t)from;
}

static void try_entries(void)
{
	uint64_t movsb = find_one("\xf3\xa4", 2, gate_copy_mpk);
	/* mov %rdi, THREAD_SIG(%rax): behind gate_fault's touches of key 0. */
	uint64_t note = find_one("\x48\x89\x78\x30", 4, gate_fault_mpk);
	const struct plan plans[] = {
		{"gate_enter", {.r11 = (uint64_t)gate_enter_mpk}, BOX_HEAP,
			NONE, 0},
		{"gate_exit", {.r11 = (uint64_t)gate_exit_mpk}, BOX_HEAP, NONE,
			0},
		{"gate_exit, no stack",
			{.rsp = 8, .r11 = (uint64_t)gate_exit_mpk}, BOX_HEAP,
			NONE, 0},
		{"gate_copy out of trusted memory",
			{.rdi = BUFFER,
				.rsi = SECRET,
				.rdx = 8,
				.r11 = (uint64_t)gate_copy_mpk},
			BOX_HEAP, LEAKS, 0},
		{"gate_copy into trusted memory",
			{.rdi = SECRET,
				.rsi = BUFFER,
				.rdx = 8,
				.r11 = (uint64_t)gate_copy_mpk},
			BOX_HEAP, BREAKS, 0},
		{"gate_copy's middle",
			{.rdi = BUFFER, .rsi = SECRET, .rcx = 8, .r11 = movsb},
			BOX_HEAP, NONE, 0},
		{"gate_trust with T",
			{.rdi = PKRU_TRUSTED, .r11 = (uint64_t)gate_trust_mpk},
			BOX_HEAP, LEAKS, 0},
		{"gate_trust with all open", {.r11 = (uint64_t)gate_trust_mpk},
			BOX_HEAP, LEAKS, 0},
		{"gate_aborted", {.rsp = FRAME, .r11 = (uint64_t)gate_aborted},
			BOX_HEAP, NONE, 0},
		{"gate_fault on its own stack",
			{.rdi = SIGSEGV,
				.rsi = BUFFER,
				.rdx = FORGED,
				.r11 = (uint64_t)gate_fault_mpk},
			BOX_HEAP, NONE, 0},
		{"gate_fault on the alternate stack",
			{.rdi = SIGSEGV,
				.rsi = BUFFER,
				.rdx = FORGED,
				.rsp = ALTSTACK,
				.r11 = (uint64_t)gate_fault_mpk},
			BOX_HEAP, NONE, 0},
		{"gate_fault on trusted memory",
			{.rdi = SIGSEGV,
				.rsi = BUFFER,
				.rdx = FORGED,
				.rsp = SECRET,
				.r11 = (uint64_t)gate_fault_mpk},
			BOX_HEAP, NONE, 0},
		{"gate_fault, made-up thread and frame",
			{.rax = FAKE,
				.rdi = SIGSEGV,
				.rsi = BUFFER,
				.rdx = FORGED,
				.r11 = note},
			BOX_HEAP, NONE, 0},
		{"gate_fault without GS",
			{.rax = FAKE,
				.rdi = SIGSEGV,
				.rsi = BUFFER,
				.rdx = FORGED,
				.r11 = note,
				.gs_zero = 1},
			BOX_HEAP, NONE, 0},
	};

	for (size_t i = 0; i < sizeof(plans) / sizeof(*plans); i++)
		try_jump(&plans[i]);
}

/* The gate's own rt_sigreturn. ----------------------------------------------
 */

static void try_sigreturn(const char *name, struct box_jump jump)
{
	static const struct {
		const char *name;
		struct box_off off;
		int code;
	} walls[] = {
		{"both walls", {0}, DISPATCH_SI_CODE},
		{"dispatch off", {.dispatch = true}, 1},
		{"filter off", {.filter = true}, DISPATCH_SI_CODE},
		{"control", {.dispatch = true, .filter = true}, 0},
	};
	const struct plan p = {.jump = jump, .loot = BOX_HEAP};

	for (size_t i = 0; i < sizeof(walls) / sizeof(*walls); i++) {
		const struct box_report *r =
			box_run(&walls[i].off, session, &p);
		const struct box_end *e = &r->end[0];
		bool good = walls[i].code
				    ? box_survived(r) &&
					      e->fault.signal == SIGSYS &&
					      e->fault.code == walls[i].code
				    : e->leaked;

		if (!tap_ok(good, "%s, %s", name, walls[i].name))
			box_say(walls[i].name, r);
	}
}

static void try_all_sigreturn(void)
{
	/* mov $15, %eax; syscall */
	uint64_t bare = find_one(
		"\xb8\x0f\0\0\0\x0f\x05", SYSCALL_SITE, gate_fault_mpk);
	/* mov %rbx, %rax; mov THREAD_FAULT_SP(%rax), %rsp */
	uint64_t whole =
		find_one("\x48\x89\xd8\x48\x8b\x60\x48", 7, gate_fault_mpk);

	try_sigreturn("the gate's rt_sigreturn, forged frame",
		(struct box_jump){.rsp = FORGED, .r11 = bare});
	try_sigreturn("the gate's way to rt_sigreturn, made-up thread",
		(struct box_jump){.rbx = FAKE, .r11 = whole});
}

int main(void)
{
	box_need_keys();
	try_all_wrpkru();
	try_all_bases();
	try_pages();
	try_borrowed();
	try_entries();
	try_all_sigreturn();
	return tap_plan();
}
