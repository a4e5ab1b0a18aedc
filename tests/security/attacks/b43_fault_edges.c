/*
 * Faults that find the thread in the worst state an isolate can bring it to:
 * stack at and around the edges of the alternate stack, FS and GS at zero,
 * flags set, x87 and SSE exceptions pending and unmasked; and jumps into the
 * signal entry in that state. Control: an alternate stack that stays armed
 * while it is in use, so that a stack pointer into it makes the kernel go on
 * from there.
 */
#include <sys/wait.h>

#include "tests/security/attack.h"
#include "tests/security/jump.h"

enum {
	FLAGS = 0x44602 | 0x200, /* DF NT AC */
	BOTTOM = 512,
	N_ALTSTACK = 5, /* box_attack.n: RSP is that far into it, + 1 */
	N_SPOIL = 6,
};

/* U. */
static void fault_in(struct box_attack *a)
{
	const uint16_t x87 = 0;
	const uint32_t mxcsr = 0x3f;

	if (a->n[N_ALTSTACK])
		a->jump.rsp =
			a->place[BOX_ALTSTACK] - 64 + a->n[N_ALTSTACK] - 1;
	if (a->n[N_SPOIL]) {
		__asm__ volatile("fldcw %0; fld1; fldz; fdivrp" : : "m"(x87));
		__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
		__asm__ volatile("mov %0, %%fs" : : "r"(0));
	}
	jump_in(a);
}

static void try_fault(const char *name, struct box_attack *a)
{
	static const uint64_t edges[] = {0, 8, 64, 128, BOTTOM, 2048,
		GATE_ALTSTACK_SIZE / 2, GATE_ALTSTACK_SIZE - 72,
		GATE_ALTSTACK_SIZE - 64, GATE_ALTSTACK_SIZE - 9,
		GATE_ALTSTACK_SIZE - 8, GATE_ALTSTACK_SIZE,
		GATE_ALTSTACK_SIZE + 8, -8ull, -4096ull};

	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		const struct box_report *r;

		a->n[N_ALTSTACK] = edges[i] + 1;
		r = box_run_one(NULL, fault_in, a);
		if (!attack_held(
			    box_survived(r) && r->end[0].how == GATE_ABORTED,
			    "%s, the stack at %+ld of the alternate stack",
			    name, (long)edges[i]))
			box_say("defended", r);
	}
}

static void run(void)
{
	static const struct box_off armed = {.autodisarm = true};
	const uint64_t trap = jump_place(gate_enter_mpk, "\x0f\x0b", 2);
	const uint64_t note = jump_place(gate_fault_mpk, "\x48\x89\x78\x30", 4);
	struct box_attack plain = {.jump = {.r11 = trap}};
	struct box_attack worst = {.n = {[N_SPOIL] = 1},
		.jump = {.r11 = trap, .gs_zero = 1, .flags = FLAGS}};
	struct box_attack entry = {.n = {[N_SPOIL] = 1},
		.jump = {.r11 = (uint64_t)gate_fault_mpk, .flags = FLAGS}};
	struct box_attack behind = {.n = {[N_SPOIL] = 1},
		.jump = {.r11 = note, .rax = JUMP_FAKE, .flags = FLAGS}};
	const struct box_report *r;

	try_fault("a trap", &plain);
	try_fault("a trap in the worst state", &worst);
	try_fault("into the signal entry", &entry);
	try_fault("behind its touches", &behind);
	plain.n[N_ALTSTACK] = BOTTOM + 1;
	r = box_run_one(&armed, fault_in, &plain);
	if (!attack_worked(WIFSIGNALED(r->status) && !r->hung,
		    "the stack at the alternate stack's bottom"))
		box_say("control", r);
}

const struct attack attack_b43 = {
	.id = "B43",
	.name = "faults with stack, flags and segments at their worst",
	.layer = "alternate stack",
	.off = "SS_AUTODISARM",
	.run = run,
};
