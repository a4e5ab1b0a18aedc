#pragma once
/*
 * One version of a registered function: its code and its limits. Immutable
 * once published, counted by reference; made and freed on the control thread,
 * read by every worker.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "core/budget.h"
#include "core/keyline.h"
#include "engine/engine.h"
#include "util/doorbell.h"
#include "util/inbox.h"
#include "util/qsbr.h"

enum {
	FUNCTION_ID_MAX = 2 * INSIDE_NAME_MAX, /* "tenant/name" */
	FUNCTION_DIGEST_HEX = 65,
	FUNCTION_ERROR_MAX = 256,
	FUNCTION_CONTEXTS_MAX = 16,
};

struct function_options {
	char tenant[INSIDE_NAME_MAX];
	char name[INSIDE_NAME_MAX];
	char entry[INSIDE_NAME_MAX];
	const struct engine *engine;
	uint64_t memory_bytes;
	uint64_t timeout_ns;
	int64_t idle_ttl_ns;	  /* 0: run once; -1: keep */
	uint32_t max_concurrency; /* invocations at once; 0: no limit */
	uint32_t max_rate;	  /* invocations per second; 0: no limit */
	uint64_t cpu_ns;	  /* of one invocation; 0: no limit */
	uint32_t contexts;	  /* kept prepared in an isolate; 0: calls of an
				   * isolate share one */
	struct tenant *owner;	  /* whose limits hold too, or NULL */
};

/* What happened to it; relaxed atomics, written by workers. */
struct function_stats {
	_Atomic uint64_t calls;
	_Atomic uint64_t errors;
	_Atomic uint64_t cold_starts;
	_Atomic uint64_t run_ns;
	_Atomic uint32_t idle;
	_Atomic uint32_t busy;
};

struct isolate;

/* What one worker keeps of a function; touched by that worker alone. */
struct function_local {
	_Alignas(64) struct list idle; /* warm isolates, newest first */
	struct keyline_fn keys;	       /* invocations that wait for one */
	struct isolate *spare;	       /* or NULL */
	bool spare_coming;
	uint64_t cold_until; /* a cold start before this is one of several */
	/* Invocations that wait for a limit (core/limiter.c). */
	struct list blocked;
	struct list turn; /* in the worker's list while there are any */
	size_t n_blocked;
};

struct function {
	uint64_t magic;
	_Atomic uint32_t refs;
	uint64_t version; /* 1, 2, ... per name */
	uint64_t created; /* nanoseconds since 1970 */
	char id[FUNCTION_ID_MAX];
	char digest[FUNCTION_DIGEST_HEX]; /* SHA-256 of the code, hex */
	struct function_options opt;
	/* What isolates are given, NUL-terminated: the code as it was
	 * registered, or compiled; NULL: there is a program. */
	char *code;
	size_t given_len; /* bytes at code */
	bool compiled;
	size_t code_len; /* as it was registered */
	struct program *program;
	struct function_stats stats;
	bool limited; /* its calls have to pass core/limiter.h */
	struct quota concurrency;
	struct rate rate;
	_Atomic bool retired; /* removed or replaced: isolates are dropped
			       * instead of kept */
	struct qsbr_node reclaim;
	struct msg freed;	       /* carries the last reference home */
	struct function_local local[]; /* by worker */
};

/* Where functions go to be freed, and how many workers there are. Once, at
 * start, before the first function. */
void function_home(
	struct inbox *inbox, struct doorbell *doorbell, unsigned n_workers);

/* Copies opt and code, or takes `program` over if that is not NULL (and then
 * keeps no copy of code); refs is 1. NULL: out of memory, and the program is
 * still the caller's. Control thread. */
struct function *function_new(const struct function_options *opt,
	const void *code, size_t code_len, struct program *program);
/*
 * Takes over `code`, malloc'ed with one byte more than len, which isolates are
 * given from now on in place of the text. It came out of an isolate, so it is
 * as hostile as the function itself; it goes to isolates of this version alone,
 * and no request's data was ever where it comes from. Control thread, before
 * fn is published.
 */
void function_compiled(struct function *fn, char *code, size_t len);
/* Any thread; a worker's last put hands the function to the control thread. */
void function_get(struct function *fn);
void function_put(struct function *fn);
