/*
 * Code that an isolate wrote itself: WRPKRU in its heap, on its stack, in the
 * bytes it hands to the runtime. Nothing of it is executable. Nor is anything
 * else that it can read or write.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/box.h"

enum {
	STACK_AT = 40 << 10, /* in the attacker's stack */
	N_AT = 0,
	N_HEAP,
};

/* xor ecx,ecx; xor edx,edx; xor eax,eax; wrpkru; mov (%rdi),%rax; ret */
static const unsigned char code[] = {0x31, 0xc9, 0x31, 0xd2, 0x31, 0xc0, 0x0f,
	0x01, 0xef, 0x48, 0x8b, 0x07, 0xc3};

typedef uint64_t code_fn(uint64_t at);

/* U. Writes it where it may and calls it. */
static void call_own(struct box_attack *a)
{
	unsigned char *at =
		a->n[N_AT] ? (unsigned char *)a->stack + STACK_AT : a->area;

	memcpy(at, code, sizeof(code));
	box_got(((code_fn *)(uintptr_t)at)(a->place[BOX_HEAP]));
}

/* U. */
static void call_place(struct box_attack *a)
{
	box_got(((code_fn *)a->place[a->n[N_AT]])(a->place[BOX_HEAP]));
}

static void errand_open(struct box *b, void *arg)
{
	(void)arg;
	b->report->number[0] = (uint64_t)b->prim.tag(b->attacker.mem,
		BOX_ISOLATE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		domain_key(&b->attacker.domain));
}

static void session_open(struct box *b, const void *arg)
{
	box_keeper(b, errand_open, NULL);
	(void)box_attack(b, call_own, arg);
}

static bool not_executable(const struct box_report *r)
{
	const struct gate_fault *f = &r->end[0].fault;

	return box_survived(r) && r->end[0].how == GATE_ABORTED &&
	       f->signal == SIGSEGV && f->code == SEGV_ACCERR &&
	       f->address == f->rip;
}

static void run(void)
{
	static const char *const where[] = {"its heap", "its stack"};

	for (unsigned i = 0; i < 2; i++) {
		const struct box_attack a = {.n = {[N_AT] = i}};
		const struct box_report *r = box_run_one(NULL, call_own, &a);

		if (!attack_held(not_executable(r), "code in %s", where[i]))
			box_say("defended", r);
		r = box_run(NULL, session_open, &a);
		if (!attack_worked(r->number[0] == 0 && r->end[0].leaked,
			    "code in %s, made executable", where[i]))
			box_say("control", r);
	}
	for (enum box_place p = 0; p < BOX_PLACES; p++) {
		const struct box_attack a = {.n = {[N_AT] = p}};
		const struct box_report *r = box_run_one(NULL, call_place, &a);

		if (!attack_held(not_executable(r), "a jump to %s",
			    box_place_name[p]))
			box_say("defended", r);
	}
}

const struct attack attack_a07 = {
	.id = "A07",
	.name = "run code that the isolate wrote itself",
	.layer = "no page is W and X",
	.off = "the page's rights",
	.run = run,
};
