/*
 * Segment selectors: they mean nothing in 64-bit code, and keep what an isolate
 * loads into them. The next one must not find it.
 */
#include "tests/security/attack.h"
#include "tests/security/box.h"

enum {
	USER_DATA = 0x2b
};

/* U. GS stays: without its base nobody gets out but by a fault. */
static void set_and_leave(struct box_attack *a)
{
	(void)a;
	__asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%fs"
			 :
			 : "r"(USER_DATA));
	for (;;)
		(void)gate_hostcall(BOX_DONE, 0, 0, 0, 0);
}

/* U. */
static void set_and_fault(struct box_attack *a)
{
	(void)a;
	__asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%fs\n\t"
			 "mov %0, %%gs\n\tud2"
			 :
			 : "r"(USER_DATA));
}

/* U. */
static void look(struct box_attack *a)
{
	uint32_t ds, es, fs, gs;

	(void)a;
	__asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\t"
			 "mov %%gs, %3"
			 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	for (;;)
		(void)gate_hostcall(BOX_DONE, ds, es, fs, gs);
}

static void session(struct box *b, const void *arg)
{
	const struct box_attack a = {0};
	box_attack_fn *const *set = arg;

	(void)box_attack(b, *set, &a);
	(void)box_attack(b, look, &a);
}

/* Selectors the second isolate found set. */
static unsigned found(const struct box_report *r)
{
	const struct box_end *e = &r->end[1];
	unsigned n = 0;

	if (r->status != 0 || r->n_ends != 2 || e->how != GATE_LEFT)
		return 0;
	for (unsigned i = 0; i < 4; i++)
		n += e->arg[i] == USER_DATA;
	return n;
}

static void attempt(const char *name, box_attack_fn *set, unsigned all)
{
	static const struct box_off no_scrub = {.scrub = true};
	const struct box_report *r = box_run(NULL, session, &set);

	if (!attack_held(r->status == 0 && r->n_ends == 2 &&
				 r->end[1].how == GATE_LEFT && found(r) == 0,
		    "%s", name))
		box_say("defended", r);
	r = box_run(&no_scrub, session, &set);
	if (!attack_worked(
		    found(r) == all, "%s: %u of %u found", name, found(r), all))
		box_say("control", r);
}

static void run(void)
{
	attempt("set, then a hostcall", set_and_leave, 3);
	attempt("set, then a fault", set_and_fault, 4);
}

const struct attack attack_b29 = {
	.id = "B29",
	.name = "residue in segment selectors",
	.layer = "clearing on the way out",
	.off = "the gate's clearing",
	.run = run,
};
