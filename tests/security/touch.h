#pragma once
/*
 * Touches of a victim's memory by whatever instruction: as a case, the key must
 * refuse it; as a control, without keys, it must do what it is for.
 */
#include "tests/security/box.h"

enum touch_kind {
	TOUCH_READ,  /* leaves with the canary */
	TOUCH_WRITE, /* hurts the victim */
	TOUCH_ANY,   /* passes: what it got can't be told to us */
	TOUCH_NONE,  /* touches nothing, by its mask: no control */
};

/* Functions run in U; those that don't leave by themselves got nothing. */
struct touch {
	const char *name;
	box_attack_fn *fn;
	enum touch_kind kind;
};

/* The middle of the victim's pattern. U. */
static inline uint64_t touch_at(const struct box_attack *a)
{
	return a->place[a->n[0]] + BOX_PATTERN / 2;
}

void touch_try(const struct touch *t, size_t n, enum box_place place);
