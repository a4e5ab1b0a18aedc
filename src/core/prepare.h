#pragma once
/*
 * Contexts prepared ahead: a worker that has nothing else to do has its warm
 * isolates run their chunk for calls to come. Trusted side, one worker's own.
 */
#include <stdint.h>

#include "core/invoke.h"

struct isolate;
struct worker;

enum {
	PREPARE_MAX = 64, /* isolates that are remembered */
};

struct prepare {
	/* The newest last; one is not remembered for ever, and may have begun
	 * another life meanwhile. */
	struct {
		struct isolate *iso;
		uint64_t id;
	} queue[PREPARE_MAX];
	unsigned first;
	unsigned n;
	struct invocation inv; /* of the one that is being made */
};

/* An idle isolate that has fewer contexts ready than its function wants. */
void prepare_note(struct worker *w, struct isolate *iso);
/* For one of those noted, if it is still idle and holds a key. */
void prepare_one(struct worker *w);
