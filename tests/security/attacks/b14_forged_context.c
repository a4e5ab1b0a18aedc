/*
 * The context that the gate loads on the way in lies in the isolate's memory:
 * here it is forged, to have the gate pop registers from somebody else. It does
 * so with the isolate's own rights. Control: no keys; two registers come out of
 * the last words of the trusted heap, the return address from the attacker's
 * memory right behind it.
 */
#include <signal.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/jump.h"

enum {
	WORDS = 2, /* of the heap */
};

/* U: R15 from the heap, RBX a stack. */
__attribute__((naked)) static void context_loot(void)
{
	__asm__("mov %rbx, %rsp\n\t"
		"mov %r15, %rdi\n\t"
		"call box_got\n\t"
		"ud2");
}

/* U: leaves without gate_hostcall(), which would put the context right. */
static void forge_in(struct box_attack *a)
{
	struct gate_ctl *ctl = (void *)a->ctl;
	uint64_t *words = (void *)a->stack;
	void (*leave)(void);

	memcpy(&leave, (const char *)gate_constants() + CONST_EXIT,
		sizeof(leave));
	words[5 - WORDS] = a->stack + (16 << 10);
	words[6 - WORDS] = (uint64_t)context_loot;
	ctl->nr = BOX_AGAIN;
	ctl->rsp = a->n[1] ? a->stack - WORDS * sizeof(*words) : a->at;
	leave();
}

static void session(struct box *b, const void *arg)
{
	struct box_attack a = *(const struct box_attack *)arg;

	if (a.n[0])
		a.at = box_place(b, (enum box_place)(a.n[0] - 1)) + 64;
	(void)box_attack(b, forge_in, &a);
}

static void try_context(const char *name, const struct box_attack *a)
{
	const struct box_report *r = box_run(NULL, session, a);

	if (!attack_held(box_survived(r) && r->end[0].how == GATE_ABORTED &&
				 r->end[0].fault.signal == SIGSEGV,
		    "a stack in %s", name))
		box_say("defended", r);
}

static void run(void)
{
	static const struct {
		const char *name;
		uint64_t at;
	} nowhere[] = {
		{"the lowest page", 8},
		{"a non-canonical place", 0x8000000000000000},
		{"the kernel", 0xffffffff81000000},
		{"the last word", -8ull},
	};
	static const enum box_place places[] = {BOX_HEAP, BOX_DATA, BOX_BSS,
		BOX_STACK, BOX_THREAD, BOX_ALTSTACK, BOX_OTHER, BOX_PARKED,
		BOX_LIBC};
	const struct box_attack straddle = {.n = {[1] = 1}};
	const struct box_report *r;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const struct box_attack a = {.n = {places[i] + 1}};

		try_context(box_place_name[places[i]], &a);
	}
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		const struct box_attack a = {.at = nowhere[i].at};

		try_context(nowhere[i].name, &a);
	}
	try_context("the trusted heap's last words", &straddle);
	r = box_run(&jump_no_keys, session, &straddle);
	if (!attack_worked(r->end[0].leaked, "the heap's last words"))
		box_say("control", r);
}

const struct attack attack_b14 = {
	.id = "B14",
	.name = "enter with a forged context",
	.layer = "protection keys",
	.off = "the keys",
	.run = run,
};
