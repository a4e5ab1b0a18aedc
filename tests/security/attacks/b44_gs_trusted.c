/*
 * GS at the page of a trusted thread that is not in an isolate: gate_copy and
 * gate_trust would do its bidding, since all they can tell is that the page is
 * genuine and its thread trusted. What keeps an isolate from it is that it has
 * no way to set GS but to zero: the scanner refuses WRGSBASE, selectors have no
 * other base, and the gate's own WRGSBASE is followed by a touch of key 0.
 * Control: code that was not scanned.
 */
#include "sandbox/scan.h"
#include "tests/security/attack.h"
#include "tests/security/jump.h"

enum {
	SELECTORS = 512,
};

/* U: what comes of loading a selector. */
static void select_in(struct box_attack *a)
{
	__asm__ volatile("mov %0, %%gs" : : "r"((uint32_t)a->value));
	a->jump.rax = box_gs();
	a->jump.rbx = 1;
	__builtin_trap();
}

/* T. */
static void select_session(struct box *b, const void *arg)
{
	static struct box_attack a, back;
	struct box_end *end = &b->report->end[0];

	(void)arg;
	b->report->n_ends = 1;
	for (unsigned i = 0; i < SELECTORS; i++) {
		a.value = i < SELECTORS / 2 ? i : i * 131u;
		box_prepare(b, &b->attacker, select_in, &a);
		box_enter(b, &b->attacker, end);
		gate_copy_out(&b->gate, domain_key(&b->attacker.domain), &back,
			(void *)b->attacker.attack, sizeof(back));
		b->report->number[0] += back.jump.rbx;
		b->report->number[1] += back.jump.rax != 0;
	}
	box_check(b, end);
}

static void trusted_session(struct box *b, const void *arg)
{
	struct jump j = *(const struct jump *)arg;

	if (j.gs)
		j.gs = (uint64_t)b->gate.pages;
	if (j.to.rcx)
		j.to.rcx = (uint64_t)b->gate.pages;
	jump_once(b, &j);
}

static void run(void)
{
	const struct jump by_gate = {
		.to = {.rcx = 1,
			.rax = JUMP_FAKE,
			.r11 = (uint64_t)jump_find(
				(const unsigned char *)gate_fault_mpk,
				"\xf3\x48\x0f\xae\xd8", 5, 0xf8)}};
	const struct jump copy = {.gs = 1,
		.to = {.rdi = JUMP_BUFFER,
			.rsi = JUMP_SECRET,
			.rdx = 8,
			.r11 = (uint64_t)gate_copy_mpk}};
	const struct jump trust = {.gs = 1,
		.to = {.rdi = JUMP_PKRU_TRUSTED,
			.r11 = (uint64_t)gate_trust_mpk}};
	const struct box_report *r;

	attack_held(scan_bytes((const uint8_t *)box_set_gs, 16, SCAN_FORBIDDEN,
			    NULL, NULL) != 0,
		"the scanner lets code pass that sets GS");
	r = box_run(NULL, select_session, NULL);
	attack_note("%d selectors: %lu could be loaded, %lu with a base",
		SELECTORS, r->number[0], r->number[1]);
	if (!attack_held(
		    box_survived(r) && r->number[0] > 0 && r->number[1] == 0,
		    "a selector with a base"))
		box_say("defended", r);
	r = box_run(NULL, trusted_session, &by_gate);
	if (!attack_held(box_survived(r), "by the gate's own WRGSBASE"))
		box_say("defended", r);
	r = box_run(NULL, trusted_session, &copy);
	if (!attack_worked(jump_gained(r, JUMP_LEAKS), "gate_copy"))
		box_say("control", r);
	r = box_run(NULL, trusted_session, &trust);
	if (!attack_worked(jump_gained(r, JUMP_LEAKS), "gate_trust"))
		box_say("control", r);
}

const struct attack attack_b44 = {
	.id = "B44",
	.name = "bring GS to the page of a trusted thread",
	.layer = "scanner, selectors, keys",
	.off = "the scanner",
	.run = run,
};
