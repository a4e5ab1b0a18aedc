/* See jump.h. Test side. */
#include "tests/security/jump.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/dispatch.h"
#include "tests/security/attack.h"
#include "tests/security/forge.h"

/* Places in the attack's area. */
enum {
	FRAME_AT = 6144,
	FAKE_AT = 8192,
	BUFFER_AT = 9216,
	PAGE_AT = 10240,
	STACK_USED = 16 << 10,
	RETURNS = 16, /* addresses of box_loot there */
};

const struct box_off jump_no_checks = {.checks = true};
const struct box_off jump_no_keys = {.keys = true};
const struct box_off jump_neither = {.keys = true, .checks = true};

/* U. ------------------------------------------------------------------------
 */

static uint64_t jump_token(const struct box_attack *a, uint64_t v)
{
	uint64_t area = (uint64_t)a->area;

	switch (v) {
	case JUMP_FRAME:
		return area + FRAME_AT;
	case JUMP_FAKE:
		return area + FAKE_AT;
	case JUMP_FAKE_PAGE:
		return area + PAGE_AT;
	case JUMP_FORGED:
		return area;
	case JUMP_SECRET:
		return a->place[a->n[JUMP_N_LOOT]];
	case JUMP_BUFFER:
		return area + BUFFER_AT;
	case JUMP_STACK:
		return a->stack + STACK_USED;
	case JUMP_STACK_ODD:
		return a->stack + STACK_USED + 3;
	case JUMP_ALTSTACK:
		return a->place[BOX_ALTSTACK] + GATE_ALTSTACK_SIZE / 2;
	case JUMP_PKRU_OWN:
		return a->pkru_own;
	case JUMP_PKRU_OTHER:
		return a->pkru_other;
	case JUMP_PKRU_BOTH:
		return a->pkru_other & a->pkru_own;
	case JUMP_PKRU_TRUSTED:
		return a->pkru_trusted;
	default:
		return v;
	}
}

/* Where the runtime goes that believes a made-up thread. */
static void jump_believed(struct gate_thread *fake)
{
	struct box_attack *a = fake->owner;
	uint64_t got = *(volatile uint64_t *)a->place[a->n[JUMP_N_LOOT]];

	box_set_gs(a->jump.r15);
	box_got(got);
}

static void jump_fake(struct box_attack *a, struct gate_thread *fake)
{
	struct gate_page *page = (void *)(a->area + PAGE_AT);
	const int sig = SIGSEGV;
	uint64_t top = (a->stack + STACK_USED) | (GATE_ALTSTACK_SIZE - 1);

	page->self = page;
	page->thread = fake;
	page->ctl = a->ctl;
	page->pkru = a->pkru_own;
	page->aux = UINT32_MAX;
	fake->rsp = (uint64_t)a->area + FRAME_AT;
	fake->fault_sp = (uint64_t)a->area - 8;
	fake->page = (void *)a->jump.r15;
	if (a->n[JUMP_N_FAKE_PAGE])
		fake->page = page;
	fake->pkru = a->pkru_trusted;
	fake->in_fault = 1;
	fake->info = a->area + BUFFER_AT;
	fake->uc = a->area;
	fake->fatal = jump_believed;
	fake->owner = a;
	__asm__("rdfsbase %0" : "=r"(fake->fs));
	/* Where gate_fault looks for it, and a siginfo. */
	*(struct gate_thread **)(top - 7) = fake;
	memcpy(a->area + BUFFER_AT, &sig, sizeof(sig));
}

/* Everything that the gate might pick up, filled to the attacker's liking. */
static void jump_prepare(struct box_attack *a)
{
	uint64_t *frame = (void *)(a->area + FRAME_AT);
	struct gate_ctl *ctl = (void *)a->ctl;
	uint64_t *regs = (uint64_t *)&a->jump;

	if (!a->jump.rbx)
		a->jump.rbx = JUMP_SECRET;
	for (unsigned i = 0; i < RETURNS; i++)
		((uint64_t *)(a->stack + STACK_USED))[i] = (uint64_t)box_loot;
	a->jump.r12 = a->pkru_own;
	a->jump.r13 = a->stack + STACK_USED;
	a->jump.r15 = box_gs();
	if (!a->jump.rsp)
		a->jump.rsp = (uint64_t)&box_returns[32];
	if (!a->n[JUMP_N_LEAN])
		(void)forge_frame(a, forge_loot);
	for (size_t i = 0; i < offsetof(struct box_jump, gs_zero) / 8; i++)
		regs[i] = jump_token(a, regs[i]);
	frame[0] = a->jump.r15;
	frame[2] = a->jump.r13;
	frame[3] = a->jump.r12;
	frame[5] = a->place[a->n[JUMP_N_LOOT]];
	frame[6] = (uint64_t)box_loot;
	ctl->rsp = (uint64_t)frame;
	jump_fake(a, (void *)(a->area + FAKE_AT));
}

void jump_in(struct box_attack *a)
{
	jump_prepare(a);
	if (a->n[JUMP_N_GS])
		box_set_gs(jump_token(a, a->n[JUMP_N_GS]));
	if (a->jump.flags)
		box_jump_flags(&a->jump);
	box_jump(&a->jump);
}

/* T. ------------------------------------------------------------------------
 */

void jump_once(struct box *b, const struct jump *j)
{
	const struct box_attack a = {.jump = j->to,
		.n = {[JUMP_N_LOOT] = j->loot,
			[JUMP_N_GS] = j->gs,
			[JUMP_N_FAKE_PAGE] = j->fake_page}};

	(void)box_attack(b, jump_in, &a);
}

static void jump_session(struct box *b, const void *arg)
{
	jump_once(b, arg);
}

const struct box_report *jump_run(
	const struct box_off *off, const struct jump *j)
{
	return box_run(off, jump_session, j);
}

bool jump_gained(const struct box_report *r, enum jump_gain gain)
{
	const struct box_end *e = &r->end[0];

	switch (gain) {
	case JUMP_LEAKS:
		return e->how == GATE_LEFT && e->leaked;
	case JUMP_OPENS:
		return e->ran && e->pkru == 0;
	case JUMP_BREAKS:
		return r->setup == 0 && !box_survived(r);
	case JUMP_NONE:
		break;
	}
	return false;
}

bool jump_case(const char *name, const struct jump *j)
{
	const struct box_report *r = jump_run(NULL, j);

	if (attack_held(box_survived(r), "%s", name))
		return true;
	box_say("defended", r);
	return false;
}

bool jump_control(const char *name, const struct jump *j,
	const struct box_off *without, enum jump_gain gain)
{
	const struct box_report *r = jump_run(without, j);

	if (attack_worked(jump_gained(r, gain), "%s", name))
		return true;
	box_say("control", r);
	return false;
}

/* WRPKRU. -------------------------------------------------------------------
 */

static const char wrpkru[] = "\x0f\x01\xef";

static void jump_one_wrpkru(
	const unsigned char *site, const struct jump_value *v)
{
	struct jump j = {
		.to = {.rax = v->eax, .r11 = (uint64_t)site}, .loot = v->loot};
	char name[128];

	(void)snprintf(name, sizeof(name), "WRPKRU at %s+%#lx with %s",
		jump_piece(site), (unsigned long)(site - gate_code_begin),
		v->name);
	(void)jump_case(name, &j);
	if (v->gain != JUMP_NONE)
		(void)jump_control(name, &j, &jump_no_checks, v->gain);
	j.to.gs_zero = 1;
	(void)strncat(name, ", GS zero", sizeof(name) - strlen(name) - 1);
	(void)jump_case(name, &j);
}

void jump_wrpkru(void (*from)(void), void (*to)(void), unsigned least,
	const struct jump_value *v, size_t n)
{
	const unsigned char *at = (const unsigned char *)from;
	unsigned sites = 0;

	while ((at = jump_find(at, wrpkru, 3, 0xff)) &&
		at < (const unsigned char *)to) {
		for (size_t i = 0; i < n; i++)
			jump_one_wrpkru(at, &v[i]);
		sites++;
		at++;
	}
	if (sites < least)
		attack_held(false, "only %u WRPKRU found", sites);
}

void jump_naked(const struct jump_value *v, bool opens)
{
	const struct jump j = {.loot = v->loot,
		.to = {.rax = v->eax, .r11 = (uint64_t)box_naked_wrpkru}};
	const struct box_report *r = jump_run(NULL, &j);

	bool leaked = r->end[0].leaked;

	if (opens ? !attack_worked(leaked, "a WRPKRU unchecked, %s", v->name)
		  : !attack_held(!leaked, "a WRPKRU unchecked, %s", v->name))
		box_say("unchecked", r);
}

/* Bases. --------------------------------------------------------------------
 */

static void jump_one_base(const char *op, const unsigned char *site)
{
	static const struct {
		uint64_t base;
		const char *name;
	} bases[] = {
		{JUMP_SECRET, "trusted memory"},
		{JUMP_BUFFER, "its own memory"},
		{JUMP_FAKE_PAGE, "a page of its own making"},
		{0, "0"},
	};
	char name[128];

	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
		const struct jump j = {.loot = BOX_HEAP,
			.to = {.rcx = bases[i].base,
				.rsi = JUMP_BUFFER,
				.rax = JUMP_FAKE,
				.rdi = JUMP_FAKE,
				.r11 = (uint64_t)site}};

		(void)snprintf(name, sizeof(name), "%s at %s+%#lx to %s", op,
			jump_piece(site),
			(unsigned long)(site - gate_code_begin), bases[i].name);
		(void)jump_case(name, &j);
	}
}

void jump_bases(const char *op, const char *bytes, unsigned least)
{
	const unsigned char *at = gate_code_begin;
	unsigned sites = 0;

	for (; (at = jump_find(at, bytes, 5, 0xf8)); at++, sites++)
		jump_one_base(op, at);
	attack_held(sites >= least, "found %u places", sites);
}

/* Places. -------------------------------------------------------------------
 */

const unsigned char *jump_find(const unsigned char *at, const char *bytes,
	size_t n, unsigned char mask)
{
	for (; at + n <= gate_code_end; at++)
		if (memcmp(at, bytes, n - 1) == 0 &&
			(at[n - 1] & mask) == (unsigned char)bytes[n - 1])
			return at;
	return NULL;
}

uint64_t jump_place(void (*from)(void), const char *bytes, size_t n)
{
	const unsigned char *at =
		jump_find((const unsigned char *)from, bytes, n, 0xff);

	if (!at)
		attack_held(false, "nothing to jump to was found");
	return at ? (uint64_t)at : (uint64_t)from;
}

static const struct piece {
	const char *name;
	void (*start)(void);
} pieces[] = {
	{"gate_enter", gate_enter_mpk},
	{"gate_exit", gate_exit_mpk},
	{"gate_copy", gate_copy_mpk},
	{"gate_trust", gate_trust_mpk},
	{"gate_fault", gate_fault_mpk},
	{"gate_enter_soft", gate_enter_soft},
	{"gate_exit_soft", gate_exit_soft},
	{"gate_copy_soft", gate_copy_soft},
	{"gate_trust_soft", gate_trust_soft},
	{"gate_fault_soft", gate_fault_soft},
	{"gate_aborted", gate_aborted},
};

const char *jump_piece(const unsigned char *at)
{
	const char *name = "?";

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
		if (at >= (const unsigned char *)pieces[i].start)
			name = pieces[i].name;
	return name;
}

void jump_sigreturn(const struct jump *j)
{
	enum {
		BY_FILTER = 1 /* si_code */
	};
	static const struct {
		const char *name;
		struct box_off off;
		int code;
	} walls[] = {
		{"both walls", {0}, DISPATCH_SI_CODE},
		{"dispatch off", {.dispatch = true}, BY_FILTER},
		{"filter off", {.filter = true}, DISPATCH_SI_CODE},
	};
	static const struct box_off neither = {
		.dispatch = true, .filter = true};

	for (size_t i = 0; i < sizeof(walls) / sizeof(*walls); i++) {
		const struct box_report *r = jump_run(&walls[i].off, j);
		const struct gate_fault *f = &r->end[0].fault;

		if (!attack_held(box_survived(r) && f->signal == SIGSYS &&
					 f->code == walls[i].code,
			    "%s", walls[i].name))
			box_say(walls[i].name, r);
	}
	(void)jump_control("both walls off", j, &neither, JUMP_LEAKS);
}
