#pragma once
/*
 * Isolates made ready before they are called: loaded with a function's code and
 * put into its pool, where they live as long as any idle one.
 */
#include <stddef.h>

#include "core/control.h"

struct function;

struct control_warmed {
	const struct function *fn; /* good during `then` */
	size_t idle;		   /* that were there before */
	size_t made;
	/* Of what went wrong, else OUTCOME_OK; those made stay. */
	struct control_load load;
};
typedef void control_warmed_fn(
	struct control_req *req, const struct control_warmed *warmed);

/*
 * Control thread: as many isolates of fn as are lacking to `n` idle ones, made
 * on the workers that have fewest of it, on req's own before others. None is
 * made, and none of another function ends for it, if there is no room for all.
 * `then` runs on the control thread, maybe before this returns, with req->state
 * untouched. 0 or -ENOMEM.
 */
int control_warm(struct control_req *req, struct function *fn, size_t n,
	control_warmed_fn *then);

/* Control thread, again and again in a drain: answers what would wait for
 * workers that are no more. */
struct runtime;
void warm_drain(struct runtime *rt);
