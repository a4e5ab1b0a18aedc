#pragma once
/*
 * An isolate's touch of what is not its own: as a case, with keys, it must end
 * in a fault on the very key; as a control, without keys, it must get the
 * secret or do the damage.
 */
#include "tests/security/box.h"

enum access_stack {
	ACCESS_OWN,
	ACCESS_ALT_BOTTOM,
	ACCESS_ALT_INSIDE,
	ACCESS_ALT_TOP,
	ACCESS_VICTIM,
	ACCESS_STACKS
};

struct access {
	enum box_place place;
	bool write;
	enum access_stack stack; /* where RSP is meanwhile */
	bool gs_zero;
};

/* One case and one control. */
void access_try(const struct access *c);
/* Both, read and write. */
void access_try_both(enum box_place place);
/* For each stack and each GS base, but the plain touch, of a place. */
void access_try_stacks(enum box_place place, bool gs_zero);

/* The key that the kernel must name at a place. */
int access_key(enum box_place place);
/* The verdict of a case, for other ways to touch. */
bool access_refused(const struct box_report *r, enum box_place place);
/* ... of one of many ends. */
bool access_end_refused(const struct box_end *e, enum box_place place);
