#pragma once
/*
 * A struct prim that tags nothing: it notes who would have which key, so that
 * domains can be tested by the thousand and on machines without keys. Process
 * wide; a test owns it. Trusted side, tests only.
 */
#include "pkey/prim.h"

enum {
	FAKE_PAGE = 4096,
	FAKE_PAGES_MAX = 4096,
	FAKE_UNTAGGED = -1,
};

struct fake_prim {
	/* Keys still to be had: bit k is key k. */
	unsigned free_keys;
	unsigned opened; /* keys allocated open */
	/* Tag calls until one fails with fail_errno; negative: none does. */
	long fail_in;
	int fail_errno;
	unsigned long tags; /* calls */
	char *base;	    /* of the pages below */
	int tag[FAKE_PAGES_MAX];
	int prot[FAKE_PAGES_MAX];
};

extern struct fake_prim fake_prim;
/* hardware: true, so that keys_init() and domains use it. */
extern const struct prim prim_fake;

/* Maps `pages` pages and forgets everything else. Keys 1 to 15 are free. */
void fake_prim_reset(size_t pages);
/* The tag of the page at addr. */
int fake_prim_tag(const void *addr);
