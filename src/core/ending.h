#pragma once
/*
 * How an invocation or a load ended, without the invocation: what has to be
 * known of it to name the limit that it met.
 */
#include <stdint.h>

#include "core/budget.h"
#include "core/invoke.h"
#include "core/outcome.h"

struct ending {
	enum outcome outcome;
	enum budget met;     /* BUDGET_NONE: none before the run */
	uint64_t retry_ns;   /* when to try again; 0: not known */
	uint64_t timeout_ns; /* the caller's own; 0: none */
};

/* No limit was met. */
static inline struct ending ending_of(enum outcome outcome)
{
	return (struct ending){.outcome = outcome, .met = BUDGET_NONE};
}

/* There was no room: what lacked. */
static inline struct ending ending_full(enum budget met)
{
	return (struct ending){.outcome = OUTCOME_NO_ISOLATE, .met = met};
}

/* After done. */
static inline struct ending ending_of_call(const struct invocation *inv)
{
	return (struct ending){
		inv->outcome, inv->met, inv->retry_ns, inv->timeout_ns};
}
