#pragma once
/* How the ends of the core (core/outcome.h) look to a client. */
#include "core/outcome.h"
#include "engine/inside.h"
#include "net/problem.h"

/* Not for OUTCOME_OK. */
enum problem outcome_problem(enum outcome outcome);
/* The limit that a failed invocation met, if it was one. */
struct invocation;
struct problem_info;
struct runtime;
struct outcome_limit {
	char text[32];
	char set[INSIDE_NAME_MAX + 64];
};
void outcome_limit(const struct runtime *rt, const struct invocation *inv,
	struct outcome_limit *room, struct problem_info *ret_info);
/* Class.Reason, as in problems and metrics; "OK" for OUTCOME_OK. */
const char *outcome_code(enum outcome outcome);
