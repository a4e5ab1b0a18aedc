/* See access.h. T, but for the function marked U. */
#include "tests/security/access.h"

#include <signal.h>

#include "tests/security/attack.h"
#include "tests/security/box_asm.h"

static const char *const stack_name[ACCESS_STACKS] = {
	[ACCESS_OWN] = "",
	[ACCESS_ALT_BOTTOM] = ", stack pointer at the alternate stack's bottom",
	[ACCESS_ALT_INSIDE] = ", inside the alternate stack",
	[ACCESS_ALT_TOP] = ", at the alternate stack's top",
	[ACCESS_VICTIM] = ", stack pointer at the victim",
};

static uint64_t stack_pointer(const struct box_attack *a)
{
	uint64_t alt = a->place[BOX_ALTSTACK] - 64;

	switch ((enum access_stack)a->n[2]) {
	case ACCESS_ALT_BOTTOM:
		return alt + 512;
	case ACCESS_ALT_INSIDE:
		return alt + GATE_ALTSTACK_SIZE / 2;
	case ACCESS_ALT_TOP:
		return alt + GATE_ALTSTACK_SIZE - 64;
	case ACCESS_VICTIM:
		return a->place[a->n[0]] + BOX_PATTERN / 2;
	case ACCESS_OWN:
	case ACCESS_STACKS:
		break;
	}
	return 0;
}

/* U. */
static void access_in(struct box_attack *a)
{
	uint64_t *at = (uint64_t *)a->place[a->n[0]];
	uint64_t rsp = stack_pointer(a);

	if (!a->n[1])
		box_got(box_read(at, rsp, a->gs_zero));
	box_write(at, a->value, rsp, a->gs_zero);
	box_got(1);
}

/* Only the box knows what it allocated, but the order is ours: S, P, then
 * isolates'. */
int access_key(enum box_place place)
{
	switch (place) {
	case BOX_OTHER:
		return 4;
	case BOX_PARKED:
		return 2;
	default:
		return place >= BOX_SELECTOR ? 1 : 0;
	}
}

bool access_end_refused(const struct box_end *e, enum box_place place)
{
	return e->how == GATE_ABORTED && e->fault.signal == SIGSEGV &&
	       e->fault.code == SEGV_PKUERR &&
	       e->fault.key == access_key(place);
}

bool access_refused(const struct box_report *r, enum box_place place)
{
	return box_survived(r) && access_end_refused(&r->end[0], place);
}

/* Pages that are read-only for everybody stay so without keys. */
static bool has_second_wall(const struct access *c)
{
	return c->write && (c->place == BOX_RODATA || c->place == BOX_CONST);
}

/* What the alternate stack and the selector hold changes all the time: there
 * getting through is the whole point. */
static bool succeeded(const struct box_report *r, const struct access *c)
{
	const struct box_end *e = &r->end[0];

	if (has_second_wall(c))
		return e->how == GATE_ABORTED && e->fault.code == SEGV_ACCERR;
	if (e->how != GATE_LEFT || e->nr != BOX_GOT)
		return false;
	if (c->place == BOX_ALTSTACK || c->place == BOX_SELECTOR)
		return true;
	return c->write ? e->hurt[c->place] : e->leaked;
}

void access_try(const struct access *c)
{
	static const struct box_off no_keys = {.keys = true};
	const struct box_attack a = {.value = 0x4141414141414141,
		.n = {c->place, c->write, c->stack},
		.gs_zero = c->gs_zero};
	const char *verb = c->write ? "write" : "read";
	const char *gs = c->gs_zero ? ", GS zero" : "";
	const struct box_report *r = box_run_one(NULL, access_in, &a);

	if (!attack_held(access_refused(r, c->place), "%s %s%s%s", verb,
		    box_place_name[c->place], stack_name[c->stack], gs))
		box_say("defended", r);
	r = box_run_one(&no_keys, access_in, &a);
	if (!attack_worked(succeeded(r, c), "%s %s%s%s", verb,
		    box_place_name[c->place], stack_name[c->stack], gs))
		box_say("control", r);
}

void access_try_both(enum box_place place)
{
	access_try(&(struct access){.place = place});
	access_try(&(struct access){.place = place, .write = true});
}

void access_try_stacks(enum box_place place, bool gs_zero)
{
	struct access c = {.place = place, .gs_zero = gs_zero};

	for (int w = 0; w < 2; w++)
		for (int s = ACCESS_OWN; s < ACCESS_STACKS; s++) {
			c.write = w;
			c.stack = s;
			if (s != ACCESS_OWN || gs_zero)
				access_try(&c);
		}
}
