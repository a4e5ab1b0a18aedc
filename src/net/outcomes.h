#pragma once
/* How the ends of the core (core/outcome.h) look to a client. */
#include "core/outcome.h"
#include "net/problem.h"

/* Not for OUTCOME_OK. */
enum problem outcome_problem(enum outcome outcome);
/* Class.Reason, as in problems and metrics; "OK" for OUTCOME_OK. */
const char *outcome_code(enum outcome outcome);
