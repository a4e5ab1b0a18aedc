/*
 * Reads and writes of what is not the isolate's, each also with the stack
 * pointer at places that matter to the kernel and with GS base 0.
 *
 * Control: the same access with keys off. It gets the secret, or does the
 * damage.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/security/box.h"
#include "tests/security/box_asm.h"

enum stack_at {
	OWN,
	ALT_BOTTOM,
	ALT_INSIDE,
	ALT_TOP,
	VICTIM,
	STACKS
};

static const char *const stack_name[STACKS] = {
	[OWN] = "",
	[ALT_BOTTOM] = ", stack pointer at the alternate stack's bottom",
	[ALT_INSIDE] = ", inside the alternate stack",
	[ALT_TOP] = ", at the alternate stack's top",
	[VICTIM] = ", stack pointer at the victim",
};

struct access {
	enum box_place place;
	bool write;
	enum stack_at stack;
	bool gs_zero;
};

static uint64_t stack_pointer(const struct box_attack *a)
{
	uint64_t alt = a->place[BOX_ALTSTACK] - 64;

	switch ((enum stack_at)a->n[2]) {
	case ALT_BOTTOM:
		return alt + 512;
	case ALT_INSIDE:
		return alt + GATE_ALTSTACK_SIZE / 2;
	case ALT_TOP:
		return alt + GATE_ALTSTACK_SIZE - 64;
	case VICTIM:
		return a->place[a->n[0]] + BOX_PATTERN / 2;
	case OWN:
	case STACKS:
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

static bool is_shared(enum box_place place)
{
	return place >= BOX_SELECTOR;
}

/* The key that the kernel must name; only the box knows what it allocated, but
 * the order is ours: S, P, then isolates'. */
static int expected_key(enum box_place place)
{
	switch (place) {
	case BOX_OTHER:
		return 4;
	case BOX_PARKED:
		return 2;
	default:
		return is_shared(place) ? 1 : 0;
	}
}

static bool refused(const struct box_report *r, const struct access *c)
{
	const struct box_end *e = &r->end[0];

	return box_survived(r) && e->how == GATE_ABORTED &&
	       e->fault.signal == SIGSEGV && e->fault.code == SEGV_PKUERR &&
	       e->fault.key == expected_key(c->place);
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

static void try_access(const struct access *c)
{
	static const struct box_off no_keys = {.keys = true};
	const struct box_attack a = {.value = 0x4141414141414141,
		.n = {c->place, c->write, c->stack},
		.gs_zero = c->gs_zero};
	const char *verb = c->write ? "write" : "read";
	const char *gs = c->gs_zero ? ", GS zero" : "";
	const struct box_report *r = box_run_one(NULL, access_in, &a);

	if (!tap_ok(refused(r, c), "%s %s%s%s: refused", verb,
		    box_place_name[c->place], stack_name[c->stack], gs))
		box_say("defended", r);
	r = box_run_one(&no_keys, access_in, &a);
	if (!tap_ok(succeeded(r, c), "%s %s%s%s: control", verb,
		    box_place_name[c->place], stack_name[c->stack], gs))
		box_say("control", r);
}

/* What isolates may read, they can. */
static void try_allowed(enum box_place place)
{
	const struct box_attack a = {.n = {place}};
	const struct box_report *r = box_run_one(NULL, access_in, &a);

	if (!tap_ok(box_survived(r) && r->end[0].how == GATE_LEFT,
		    "read %s: allowed", box_place_name[place]))
		box_say("read", r);
}

int main(void)
{
	static const enum box_place stacks_for[] = {
		BOX_HEAP, BOX_OTHER, BOX_PARKED};
	struct access c;

	box_need_keys();
	for (c = (struct access){0}; c.place < BOX_SELECTOR; c.place++)
		for (int w = 0; w < 2; w++) {
			c.write = w;
			try_access(&c);
		}
	for (size_t i = 0; i < sizeof(stacks_for) / sizeof(*stacks_for); i++)
		for (int w = 0; w < 2; w++)
			for (int s = OWN; s < STACKS; s++) {
				c = (struct access){stacks_for[i], w, s, false};
				if (s != OWN)
					try_access(&c);
				c.gs_zero = true;
				try_access(&c);
			}
	for (enum box_place p = BOX_SELECTOR; p < BOX_PLACES; p++) {
		c = (struct access){p, true, OWN, false};
		try_access(&c);
		try_allowed(p);
	}
	return tap_plan();
}
