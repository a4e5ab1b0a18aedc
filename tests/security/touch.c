/* See touch.h. T. */
#include "tests/security/touch.h"

#include <signal.h>

#include "tests/security/access.h"
#include "tests/security/attack.h"

static bool untouched(const struct box_report *r, enum box_place place)
{
	return access_refused(r, place) ||
	       (box_survived(r) && r->end[0].how == GATE_LEFT &&
		       r->end[0].nr == BOX_DONE);
}

static bool passed(
	const struct box_report *r, enum touch_kind kind, enum box_place place)
{
	const struct box_end *e = &r->end[0];

	if (kind == TOUCH_WRITE)
		return e->hurt[place];
	if (kind == TOUCH_READ)
		return e->leaked;
	return e->how == GATE_LEFT || e->fault.code != SEGV_PKUERR;
}

static void touch_one(const struct touch *t, enum box_place place)
{
	static const struct box_off no_keys = {.keys = true};
	const struct box_attack a = {.n = {place}};
	const struct box_report *r = box_run_one(NULL, t->fn, &a);

	if (!attack_held(t->kind == TOUCH_NONE ? untouched(r, place)
					       : access_refused(r, place),
		    "%s: %s", box_place_name[place], t->name))
		box_say(t->name, r);
	if (t->kind == TOUCH_NONE)
		return;
	r = box_run_one(&no_keys, t->fn, &a);
	if (!attack_worked(passed(r, t->kind, place), "%s: %s",
		    box_place_name[place], t->name))
		box_say(t->name, r);
}

void touch_try(const struct touch *t, size_t n, enum box_place place)
{
	for (size_t i = 0; i < n; i++)
		touch_one(&t[i], place);
}
