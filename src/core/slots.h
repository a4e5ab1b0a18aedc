#pragma once
/*
 * The slots of a worker that are in no use: an isolate is raw, or has never
 * been. Those that nobody wants for a while go back to what they were at first,
 * whole blocks of them, and the system gets the memory: page tables, mappings,
 * and what describes them.
 *
 * The worker alone touches it, but for a block that is with the keeper.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/isolate.h"
#include "util/clock.h"

struct worker;

enum {
	SLOTS_BLOCK = 64
};
/* So long they might be wanted again. */
#define SLOTS_KEPT_NS (250 * CLOCK_MS)

/* So many isolates, beside each other. */
struct slots_block {
	struct list blank; /* while it is: in the class's list */
	uint64_t since;	   /* all of them are raw */
	uint8_t made;	   /* the first so many exist */
	uint8_t busy;	   /* of those not raw */
};

/* Those of one class. */
struct slots {
	struct worker *worker;
	const struct arena *arena;
	enum arena_class class;
	size_t first; /* in the arena */
	size_t count;
	size_t used;		  /* the first so many have had an isolate */
	size_t all;		  /* where the class begins in pool.all */
	struct isolate *isolates; /* &pool.all[all] */
	struct slots_block *blocks;
	struct slots_block *fill; /* whose isolates come to exist; or NULL */
	struct list blank;	  /* blocks that were full once */
	struct list raw;
	/* Full blocks, but the first, of which all are raw. */
	size_t n_idle;
	struct slots_block *away; /* the one with the keeper */
	int result;		  /* of its errand */
	struct msg msg;
};

/* isolates: zero. 0 or -ENOMEM. */
int slots_init(struct slots *s, struct isolate *isolates);
void slots_fini(struct slots *s);

/* A raw isolate. NULL: there is none. */
struct isolate *slots_take(struct slots *s);
bool slots_left(const struct slots *s);
/* Takes it back. */
void slots_put(struct slots *s, struct isolate *iso);

/* Sends a block to the keeper that is raw for long. When to look again; only
 * a look after that can find something. */
uint64_t slots_give_back(struct slots *s, uint64_t now);
