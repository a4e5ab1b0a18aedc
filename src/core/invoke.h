#pragma once
/*
 * One invocation on one worker: find or make an isolate, make it resident,
 * enter it, take its answer out. The worker that read the request runs the
 * function and gets `done`, exactly once, maybe before invoke_start() returns.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "core/function.h"
#include "core/outcome.h"
#include "util/bufpool.h"

struct worker;
struct isolate;
struct invocation;
typedef void invoke_done_fn(struct invocation *inv);

enum {
	/* Free bytes in front of a reply, for the caller's HTTP header. */
	INVOKE_HEADROOM = 512,
};

struct invocation {
	/* Set by the caller, valid until done. */
	struct function *fn; /* held by the caller's own reference */
	const void *req;
	size_t req_len;
	uint64_t timeout_ns; /* 0: the function's own; else at most that */
	bool load_only;	     /* registration: load, do not call */
	/* Of load_only. How many contexts are to be ready, if there is time. */
	uint32_t prepare;
	/* Where compiled code goes, if it is wanted (room > 0); len is set
	 * before done, 0: none came. */
	struct {
		char *at;
		size_t room;
		size_t len;
	} compiled;
	invoke_done_fn *done;

	/* Set before done. The reply, or for failures a message for the user,
	 * stands at reply.ptr + INVOKE_HEADROOM; the block is the caller's to
	 * bufpool_put() (reply.ptr NULL: no bytes). */
	enum outcome outcome;
	enum inside_reply kind;
	struct bufpool_block reply;
	size_t reply_len;
	char id[INSIDE_ID_MAX]; /* set at start */
	bool cold;
	uint64_t begin_ns;     /* invoke_start(), clock_now() */
	uint64_t run_begin_ns; /* isolate entered */
	uint64_t end_ns;
	size_t logged; /* bytes of its log lines so far */
	/* Of failures: the limit that was met, and when to try again. */
	enum budget met;
	uint64_t retry_ns;
	uint64_t heap_peak; /* of the isolate, as it ended */

	/* The core's own. */
	struct list link;
	struct keyline_call keys;
	uint64_t want_ns;     /* since when it waits for a key */
	uint64_t key_wait_ns; /* for how long it did */
	bool turn;	      /* has waited for a key: comes first */
	struct worker *worker;
	struct isolate *isolate;
	bool admitted;	       /* counts in its quotas of concurrency */
	bool again;	       /* has waited for a quota */
	uint8_t evictions;     /* what ended so that it gets mappings */
	bool chore;	       /* nobody asked for it: no use of its isolate */
	struct quota *blocked; /* waits for it */
};

void invoke_start(struct worker *w, struct invocation *inv);
