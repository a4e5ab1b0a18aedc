#pragma once
/*
 * The calls of one worker that want a key, and how many of them ask the keeper
 * for one at once. Trusted side; the worker's own, so there is no lock.
 *
 * A key that is lent ahead of its use is one that nobody else can use. So only
 * few calls ask at a time. Those that miss meanwhile stand here, with neither
 * isolate nor key, by function:
 *
 *   - Functions have their turns in the order in which they came. A turn asks
 *     for one isolate of the function.
 *   - While that one is on its way the function is out of the line: its other
 *     calls will find the isolate, and with it the key, sooner than one of
 * their own. When it has run, up to KEYLINE_ROW of them run on it.
 *   - Then the function goes to the end of the line.
 *
 * So the calls of one function run in their order, and overtaking is bounded:
 * while a function stands in line any other has one turn before it, that is
 * KEYLINE_ROW + 1 calls, and the k-th of its calls has run after its turn
 * number ceil(k / (KEYLINE_ROW + 1)). Only who had its turn, and then found no
 * isolate or memory, comes before the line.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum {
	/* Functions for which a key is asked at once, where one worker has all
	 * keys: bench/mux. More workers, fewer for each. */
	KEYLINE_MOST = 4,
	KEYLINE_ROW = 16, /* calls of one function in a row */
};

struct keyline {
	struct list turns; /* functions; whose turn is next stands first */
	struct list ages;  /* their calls, the oldest first */
	size_t n;	   /* calls that wait */
	unsigned out;	   /* isolates that the keeper was asked a key for */
	unsigned most;	   /* of those at once; 0: nobody ever waits */
};

/* What a function has of it on one worker. */
struct keyline_fn {
	struct list calls; /* that wait */
	struct list turn;
	unsigned out; /* isolates on their way that its calls can use */
};

struct keyline_call {
	uint64_t since; /* set by the caller: the oldest go first out of time */
	struct list link;
	struct list age;
};

/* How many a worker should ask for at once. */
unsigned keyline_most(unsigned keys, unsigned workers);

void keyline_init(struct keyline *l, unsigned most);
void keyline_fn_init(struct keyline_fn *f);
void keyline_call_init(struct keyline_call *c);

/* As many as may be are asked for. */
bool keyline_full(const struct keyline *l);
/* A new call of f need not wait before it asks. shares: it could run on an
 * isolate that is on its way. */
bool keyline_may_ask(
	const struct keyline *l, const struct keyline_fn *f, bool shares);
/* The keeper is asked for an isolate; it came. shares: others may run on it. */
void keyline_out(struct keyline *l, struct keyline_fn *f, bool shares);
void keyline_back(struct keyline *l, struct keyline_fn *f, bool shares);

/* Stands in line; first: before the others, as it had its turn already. */
void keyline_wait(struct keyline *l, struct keyline_fn *f,
	struct keyline_call *c, bool first);
/* Out of the line, for whatever reason. */
void keyline_leave(
	struct keyline *l, struct keyline_fn *f, struct keyline_call *c);

/* The call of f that came first; NULL: none waits. */
struct keyline_call *keyline_first(struct keyline_fn *f);
/* The oldest of all; NULL: none waits. */
struct keyline_call *keyline_oldest(struct keyline *l);
/* Takes the function whose turn it is out of the line; NULL: it is nobody's. At
 * the end of the turn keyline_rejoin(). */
struct keyline_fn *keyline_turn(struct keyline *l);
/* To the end of the line, if calls of it wait and it has a place in line. */
void keyline_rejoin(struct keyline *l, struct keyline_fn *f);
