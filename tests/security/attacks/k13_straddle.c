/*
 * Accesses that begin in the isolate's own memory and end in a neighbour's, or
 * the other way round, of every width and at every offset: a page's key holds
 * for its bytes, not for where an access begins.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/security/access.h"
#include "tests/security/attack.h"
#include "tests/security/box.h"

enum {
	N_WIDTH = 0,
	N_FOREIGN, /* bytes of it that are not its own */
	N_WRITE,
	WIDEST = 32,
	OWN_BYTE = 0x5a,
};

/* U. Below the isolate's memory is the heap, full of canaries. */
static void straddle_in(struct box_attack *a)
{
	unsigned char *at = (unsigned char *)a->stack - a->n[N_FOREIGN];
	unsigned char *to = a->area;

	memset(to, OWN_BYTE, WIDEST);
#define MOVE(width, reg, load, store)                                          \
	case width:                                                            \
		if (a->n[N_WRITE])                                             \
			__asm__ volatile(load " (%0), %%" reg "\n\t" store     \
					      " %%" reg ", (%1)" ::"r"(to),    \
					 "r"(at)                               \
					 : "rax", "xmm0", "memory");           \
		else                                                           \
			__asm__ volatile(load " (%1), %%" reg "\n\t" store     \
					      " %%" reg ", (%0)" ::"r"(to),    \
					 "r"(at)                               \
					 : "rax", "xmm0", "memory");           \
		break
	switch (a->n[N_WIDTH]) {
		MOVE(2, "ax", "mov", "mov");
		MOVE(4, "eax", "mov", "mov");
		MOVE(8, "rax", "mov", "mov");
		MOVE(16, "xmm0", "movdqu", "movdqu");
		MOVE(32, "ymm0", "vmovdqu", "vmovdqu");
	default:
		break;
	}
#undef MOVE
	/* As many of the canary's last bytes as came over. */
	(void)gate_hostcall(BOX_GOT, a->n[N_FOREIGN] < 8 ? 0 : 1,
		*(uint64_t *)(void *)to, 0, 0);
	box_done();
}

static void session(struct box *b, const void *arg)
{
	(void)box_attack(b, straddle_in, arg);
	b->report->number[0] = b->canary;
}

/* The foreign bytes come first; a pattern's period is 8. */
static bool saw(const struct box_report *r, unsigned foreign)
{
	unsigned n = foreign < 8 ? foreign : 8;
	unsigned char canary[16], got[8];

	memcpy(canary, &r->number[0], 8);
	memcpy(canary + 8, &r->number[0], 8);
	memcpy(got, &r->end[0].arg[1], 8);
	return memcmp(got, canary + (8 - foreign % 8) % 8, n) == 0;
}

static void try_one(unsigned width, unsigned foreign, bool write)
{
	static const struct box_off no_keys = {.keys = true};
	const struct box_attack a = {.n = {width, foreign, write}};
	const char *verb = write ? "write" : "read";
	const struct box_report *r = box_run(NULL, session, &a);

	if (!attack_held(access_refused(r, BOX_HEAP),
		    "%s of %u bytes, %u of them foreign", verb, width, foreign))
		box_say("defended", r);
	r = box_run(&no_keys, session, &a);
	if (!attack_worked(r->end[0].how == GATE_LEFT &&
				   (write ? r->end[0].hurt[BOX_HEAP]
					  : saw(r, foreign)),
		    "%s of %u bytes, %u of them foreign", verb, width, foreign))
		box_say("control", r);
}

static void run(void)
{
	for (unsigned width = 2; width <= WIDEST; width *= 2)
		for (unsigned foreign = 1;
			foreign<width; foreign += width> 8 ? 3 : 1)
			for (int write = 0; write < 2; write++)
				try_one(width, foreign, write);
}

const struct attack attack_k13 = {
	.id = "K13",
	.name = "accesses that straddle own and foreign pages",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
