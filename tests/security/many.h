#pragma once
/* Many isolates in one box, more than there are keys. Sessions. */
#include "tests/security/box.h"

enum {
	MANY = 40
};

/* Findings, in report->number[]. */
enum many_finding {
	MANY_WRONG,  /* entries that did not end as they should */
	MANY_DEAD,   /* isolates that died of a failed retag */
	MANY_SERVED, /* entries */
	MANY_AGREE,  /* comparisons with smaps that held */
	MANY_DIFFER,
	MANY_OTHER, /* the session's own */
};

extern struct box_isolate many[MANY];

/* n more, all parked. */
void many_make(struct box *b, unsigned n);
/* One entry of isolate i, with a key got for it and given up afterwards. In
 * round 0 it begins, in the rounds after it goes on: it says who it is and how
 * often it was entered. */
void many_serve(struct box *b, unsigned i, unsigned round);
/* The key of every page of the process, as smaps says, against the domains. */
void many_compare(struct box *b);
/* An errand each. */
int many_bind(struct box *b, struct box_isolate *iso);
int many_release(struct box *b, struct box_isolate *iso);

/* A tag() that only says it did; one that never parks. */
int many_tag_lying(void *addr, size_t len, int prot, int key);
int many_tag_lends_only(void *addr, size_t len, int prot, int key);
