#pragma once
/* How the ends of the core (core/outcome.h) look to a client. */
#include "core/ending.h"
#include "core/outcome.h"
#include "engine/inside.h"
#include "net/problem.h"

/* Not for OUTCOME_OK. */
enum problem outcome_problem(enum outcome outcome);
/*
 * The problem of an invocation or a load of fn that failed: what it is, the
 * limit it met, if it was one, and what to do about it. The rest is left to the
 * caller. Any trusted thread. room has to live as long as the info.
 */
struct function;
struct runtime;
struct outcome_room {
	char text[32];
	char set[INSIDE_NAME_MAX + 64];
	char hint[160];
};
struct problem_info outcome_info(const struct runtime *rt,
	const struct function *fn, const struct ending *end,
	struct outcome_room *room);
/* Class.Reason, as in problems and metrics; "OK" for OUTCOME_OK. */
const char *outcome_code(enum outcome outcome);
