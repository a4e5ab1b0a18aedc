#pragma once
/*
 * Where invocations meet their limits: rate and concurrency of function and
 * tenant, memory of tenant and daemon, the tenant's share of the processors. On
 * the worker of the invocation, but for limiter_tell().
 *
 * An invocation over a rate is refused. One over a quota waits, in the list of
 * its function on this worker: nobody else's calls stand behind it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/budget.h"

struct function;
struct invocation;
struct isolate;
struct runtime;
struct worker;

/* Lists of a new worker. */
void limiter_init(struct worker *w);

/* First of all, for functions that have limits. False: it waits, or is over. */
bool limiter_enter(struct worker *w, struct invocation *inv);
/* It has a place among those at once. NULL: yes; else the quota that is used
 * up. */
struct quota *limiter_admit(struct invocation *inv);
/* Gives that place back. */
void limiter_leave(struct worker *w, struct invocation *inv);
/* Around its run, for tenants with limits: it counts for their share. */
void limiter_begin(struct worker *w, struct invocation *inv);
void limiter_end(struct worker *w, struct invocation *inv);
/* inv->blocked is used up: waits for it, or is refused. */
void limiter_wait(struct worker *w, struct invocation *inv);
/* Notes and counts the limit that an invocation met, which is about to fail. */
void limiter_met(struct worker *w, struct invocation *inv, enum budget what);

/* Says that q is used up, for the user. */
void limiter_text(const struct quota *q, const struct function *fn, char *text,
	size_t size);

/* Any thread: what has no memory for n isolates of fn just now; or NULL. */
const struct quota *limiter_full(
	const struct runtime *rt, const struct function *fn, size_t n);
/* Memory for one isolate of fn. NULL: there is some; else the quota that is
 * used up. Then limiter_charged() says which isolate has it. */
struct quota *limiter_charge(struct runtime *rt, const struct function *fn);
void limiter_charged(struct isolate *iso, const struct function *fn);
/* The isolate's memory is gone. */
void limiter_uncharge(struct isolate *iso);
/* An isolate of fn is better dropped than kept: others wait for its memory. */
bool limiter_pressed(struct worker *w, struct function *fn);

/* Once per turn: those who waited and may have their turn now. */
void limiter_look(struct worker *w);
/* Refuses those that waited too long; when to look again. */
uint64_t limiter_expire(struct worker *w);
/* Keeper: passes on to workers that something was given back elsewhere. */
void limiter_tell(struct runtime *rt);
