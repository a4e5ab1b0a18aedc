#pragma once
/*
 * Admission: may these bytes run as a native function? Reads the object
 * (object.h), lays its image out (layout.h) and looks at every byte of it that
 * will be executable, at every offset, across the borders of pages and segments
 * (sandbox/scan.h). The verdict is the list of refusals; an empty one admits.
 *
 * Outside, control thread. Runs nothing of the object, needs no keys and no
 * daemon.
 */
#include "engine/layout.h"
#include "engine/object.h"
#include "engine/refusal.h"

struct admit_wish {
	const char *entry;
	/* The bytes of system calls are counted, not refused: it is dispatch
	 * and filter that refuse the calls. Two bytes are met by chance in
	 * large objects. */
	bool system_calls;
};

struct admit {
	struct refusals refusals;
	struct object object;
	struct layout layout;
	/* Entry point's address in the image; 0: it has none. */
	uint64_t entry;
	uint64_t n_code;	 /* bytes scanned */
	uint64_t n_system_calls; /* let pass by the wish */
	bool count_system_calls;
	bool scanned; /* false: no image could be laid out */
};

/* Looks at the bytes, which must be memory that nobody else can write and stay
 * as they are until admit_free(). 0: *ret has the verdict; or -errno. */
int admit_new(const void *bytes, size_t len, const struct admit_wish *wish,
	struct admit **ret);
struct admit *admit_free(struct admit *a); /* NULL */
void admit_freep(struct admit **a);	   /* for CLEANUP() */

static inline bool admit_ok(const struct admit *a)
{
	return a->refusals.n_total == 0;
}
