#pragma once
/*
 * The next calls of a worker, a few of them, in the order they came. While one
 * runs, what the ones behind it will touch is brought near: of ten thousand
 * functions none is in the caches when its turn comes, and each call would wait
 * for memory some fifty times, one time after the other.
 *
 * Nobody waits longer for it: the worker runs what stands here before it
 * sleeps. Trusted side, the worker's own.
 */
#include "core/invoke.h"

struct ahead {
	struct list line;
	unsigned n;
};

void ahead_init(struct ahead *a);
/* It runs later, in ahead_run() at the latest; or does so now, or those before
 * it do. */
void ahead_add(struct worker *w, struct invocation *inv);
/* Runs them all. */
void ahead_run(struct worker *w);
