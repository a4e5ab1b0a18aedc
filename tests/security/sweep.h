#pragma once
/*
 * Jumps by the thousand: to every so many bytes of a range, one register set
 * each, out of the same isolate again and again, in one box.
 */
#include "tests/security/jump.h"

struct sweep_set {
	const char *name;
	struct jump jump; /* but for where to */
};

struct sweep {
	const unsigned char *from, *to;
	unsigned step;
	/* Addresses not to go to; NULL: none. */
	bool (*skip)(const unsigned char *at);
	const struct sweep_set *set;
};

/* What came of it: report->number. */
enum sweep_number {
	SWEEP_JUMPS,
	SWEEP_LEAKS,
	SWEEP_WRONG,  /* the runtime went on with rights that are not T */
	SWEEP_STUCK,  /* stopped by the keeper */
	SWEEP_LEFT,   /* hostcalls */
	SWEEP_AT,     /* the latest, or the first that leaked */
	SWEEP_FAILED, /* too much for the emulator; not of a single run */
};

/* A case for each set: nothing gained anywhere. Returns the jumps made. */
uint64_t sweep_cases(struct sweep s, const struct sweep_set *sets, size_t n);
/* Control: with these left out, at least one jump reads the secret. */
void sweep_control(struct sweep s, const struct sweep_set *set,
	const struct box_off *without);
