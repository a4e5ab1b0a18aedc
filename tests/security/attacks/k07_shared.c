/*
 * What isolates may read but not write: dispatch's selector, variables of the C
 * library, constants. The last are read-only for everybody as well.
 */
#include "tests/security/access.h"
#include "tests/security/attack.h"

/* What isolates may read, they can: else the refusals above were no more than a
 * box that does not work. */
static void read_in(struct box_attack *a)
{
	box_got(*(volatile uint64_t *)a->place[a->n[0]]);
}

static void try_allowed(enum box_place place)
{
	const struct box_attack a = {.n = {place}};
	const struct box_report *r = box_run_one(NULL, read_in, &a);

	if (!attack_held(box_survived(r) && r->end[0].how == GATE_LEFT,
		    "read %s, as is allowed", box_place_name[place]))
		box_say("read", r);
}

static void run(void)
{
	for (enum box_place p = BOX_SELECTOR; p < BOX_PLACES; p++) {
		access_try(&(struct access){.place = p, .write = true});
		try_allowed(p);
	}
}

const struct attack attack_k07 = {
	.id = "K07",
	.name = "write memory that isolates share",
	.layer = "protection keys",
	.off = "keys; pages stay read-only",
	.run = run,
};
