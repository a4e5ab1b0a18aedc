#pragma once
/*
 * The few calls that the filter lets a worker make: with the thread's cookie in
 * a register that the call does not use. Isolates can't read the cookie.
 */
#include "tests/security/box.h"

struct cookies_call {
	box_attack_fn *fn; /* U; the cookie in n[1], its complement in n[2] */
	int nr;
	bool errs;  /* refused by EPERM, not by a trap */
	bool leaks; /* with the cookie it opens all keys; else it returns 0 */
};

/* With dispatch off: none, wrong and half cookies; control: the right one. With
 * dispatch on: the right one, which then is of no use; control: dispatch off,
 * again the right one. */
void cookies_try(const struct cookies_call *c);
