/* See odd.h. T, but for the function marked U. */
#include "tests/security/odd.h"

#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/plant.h"
#include "tests/security/plant_asm.h"

enum {
	STRIDE = 32,
	OWN_STACK = 40 << 10,
	RSP = 4,
	N_ENTRY = 0,
	N_FRAME = 1,
};

struct odds {
	const struct odd *odd;
	size_t n;
	const unsigned char *at;
};

/* U. */
static void odd_in(struct box_attack *a)
{
	struct plant_jump j = {.rip = a->n[N_ENTRY]};
	uint64_t *stack = (uint64_t *)(a->stack + OWN_STACK);

	for (unsigned i = 0; i < ODD_FRAME; i++) {
		stack[i] = a->n[N_FRAME + i];
		((uint64_t *)(void *)a->area)[i] = a->n[N_FRAME + i];
	}
	for (unsigned i = 0; i < 16; i++)
		j.r[i] = (uint64_t)a->area;
	j.r[RSP] = (uint64_t)stack;
	plant_jump(&j);
}

static void errand_code(struct box *b, void *arg)
{
	static const unsigned char trap[] = {0x0f, 0x0b};
	unsigned char *at = (unsigned char *)(uintptr_t)ODD_CODE;

	(void)b;
	(void)arg;
	CHECK(mmap(at, PLANT_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	for (size_t i = 0; i < PLANT_PAGE; i += sizeof(trap))
		memcpy(at + i, trap, sizeof(trap));
	CHECK(mprotect(at, PLANT_PAGE, PROT_READ | PROT_EXEC) == 0);
}

static void session_odds(struct box *b, const void *arg)
{
	const struct odds *o = arg;

	box_keeper(b, errand_code, NULL);
	for (size_t i = 0; i < o->n; i++) {
		struct box_attack a = {
			.n = {[N_ENTRY] = (uint64_t)(o->at + i * STRIDE)}};

		memcpy(&a.n[N_FRAME], o->odd[i].frame, sizeof(o->odd[i].frame));
		(void)box_attack(b, odd_in, &a);
	}
}

static bool end_good(const struct box_end *e, int signal)
{
	for (unsigned i = 0; i < BOX_PLACES; i++)
		if (e->hurt[i])
			return false;
	return e->ran && e->alive && e->how == GATE_ABORTED &&
	       (signal == ODD_ANY || e->fault.signal == signal);
}

static void odd_case(const struct odds *o, size_t i, const struct box_report *r)
{
	const struct box_end *e = &r->end[i];

	if (attack_held(i < r->n_ends && end_good(e, o->odd[i].signal), "%s",
		    o->odd[i].name))
		return;
	attack_say("%s: %u ends; how %d alive %d signal %d code %d rip %+ld",
		o->odd[i].name, r->n_ends, e->how, e->alive, e->fault.signal,
		e->fault.code,
		(long)(e->fault.rip - (uint64_t)(o->at + i * STRIDE)));
}

static void odd_control(const struct odds *o, size_t i)
{
	static const struct box_off no_stack = {.onstack = true};
	const struct odds one = {&o->odd[i], 1, o->at + i * STRIDE};
	const struct box_report *r = box_run(&no_stack, session_odds, &one);

	if (!attack_worked(r->status != 0 && !r->hung && !r->end[0].ran,
		    "%s, handlers on its own stack", o->odd[i].name))
		box_say(o->odd[i].name, r);
}

/* A breakpoint behind each; UD2 where breakpoints are the attack. */
static void odd_lay(struct plant_field *f, struct odds *o)
{
	plant_map(f, o->n * STRIDE / PLANT_PAGE + 1);
	o->at = f->at;
	for (size_t i = 0; i < o->n; i++)
		memcpy(f->at + i * STRIDE, o->odd[i].bytes, o->odd[i].len);
	plant_close(f);
}

void odd_try(const struct odd *odds, size_t n, size_t step)
{
	struct odds o = {.odd = odds, .n = n};
	const struct box_report *r;
	struct plant_field f;

	odd_lay(&f, &o);
	r = box_run(NULL, session_odds, &o);
	if (r->status != 0 || r->n_ends != n)
		box_say("odd", r);
	for (size_t i = 0; i < n; i++)
		odd_case(&o, i, r);
	for (size_t i = 0; i < n; i += step)
		odd_control(&o, i);
	plant_unmap(&f);
}
