#pragma once
/*
 * One isolate: a slot of the arena, its domain, and in it the stack, TLS block,
 * control block and heap of one running function. This file has its states and
 * its memory; core/pool.c keeps idle ones, core/keeper.c does the memory calls,
 * core/invoke.c runs them.
 *
 * An isolate belongs to one worker for good. Its states:
 *
 *   RAW        empty; mapped or not
 *   PREPARING  with the keeper, which maps and tags it
 *   READY      mapped, tagged, its first pages present
 *   SPARE      the same with a function's program in place, for that function
 *   STARTING   laid out for a function, not yet answered a first time
 *   IDLE       warm, in the function's pool
 *   BUSY       has an invocation
 *   DYING      with the keeper, which takes its memory and key away
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "base/list.h"
#include "core/arena.h"
#include "core/function.h"
#include "pkey/domain.h"
#include "util/inbox.h"

struct invocation;
struct worker;

enum isolate_state {
	ISOLATE_RAW,
	ISOLATE_PREPARING,
	ISOLATE_READY,
	ISOLATE_SPARE,
	ISOLATE_STARTING,
	ISOLATE_IDLE,
	ISOLATE_BUSY,
	ISOLATE_DYING,
};

enum {
	ISOLATE_MAGIC = 0x150147e5,
	ISOLATE_PAGE = 4096,
	/* More than any one frame of the C code that runs inside: an overrun
	 * can't step over it. */
	ISOLATE_GUARD = 64 << 10,
	/* What 200 nested C calls, Lua's own limit, take at worst. */
	ISOLATE_STACK = 640 << 10,
	/* A request up to this size needs no room in the heap. */
	ISOLATE_WINDOW = 4096,
	/* The smallest budget an engine can start in. */
	ISOLATE_MIN_BYTES = 1 << 20,
};

struct isolate {
	uint64_t magic;
	struct worker *worker;
	enum arena_class class;
	char *base;    /* slot */
	size_t mapped; /* bytes of it made accessible (multiple of
			* the page size, guard included); keeper */
	struct domain domain;
	_Atomic enum isolate_state state;

	/* The life that it has now. */
	uint64_t id;
	struct function *fn; /* held */
	uint64_t ctl;	     /* address of struct inside */
	uint64_t fs;
	uint64_t window;
	uint64_t created; /* clock_now() */
	uint64_t last_used;
	uint64_t expires;	 /* when the pool looks at it again */
	bool loaded;		 /* the code is in */
	uint32_t contexts_ready; /* as it says, at most what its function asked
				  * for */
	bool given_up;		 /* by the code itself: not to be used again */
	_Atomic uint64_t calls;
	_Atomic uint64_t heap_used;
	_Atomic uint64_t heap_peak;
	/* What it counts for in its tenant's and the daemon's memory. */
	size_t charged;
	struct tenant *owner;
	bool relief;  /* it ends for somebody who waits for memory */
	size_t timer; /* its place in the pool's heap; 0: none */

	/* Between worker and keeper: one errand at a time. */
	struct msg msg;
	msg_fn *done;
	size_t want;		       /* prepare: bytes to map */
	const struct program *program; /* bind: to be mapped first, or NULL */
	/* The keeper's: a program is mapped; and has not been tagged yet. */
	bool image, untagged;
	unsigned maps;	      /* the keeper's: mappings it counts for */
	uint64_t waits_since; /* the keeper's: for a key; 0: it does not wait */
	uint64_t waited_ns;   /* for the key that it was just given */
	int result;	      /* of the errand: 0, or -errno */
	struct invocation *inv;
	struct function *spare_of; /* held: SPARE, or on the way there */
	struct list link; /* raw, ready, spare or idle list; keeper's waiters */
};

/* Where a program's image lies: a page, counted from base. */
size_t isolate_image(void);
/* A budget of `bytes` has room for fn's code. */
bool isolate_has_room(size_t bytes, const struct function *fn);

/* Bytes of code, at most, that a budget of `bytes` has room for. */
size_t isolate_code_room(size_t bytes);

/* Lays the isolate out for fn: frame, TLS block, control block, code. It is
 * resident and pinned, and fn's program is mapped. False: fn's code does not
 * fit into its budget. */
bool isolate_layout(struct isolate *iso, struct function *fn);

/* Bytes to map for a budget. */
size_t isolate_bytes(uint64_t memory_bytes);

/* Asks the processor for what a call will touch. */
void isolate_bring(const struct isolate *iso);

/* Where the touched part of a fresh isolate begins and how long it is. */
void isolate_hot(const struct isolate *iso, char **ret_at, size_t *ret_len);

/* True when [ptr, ptr+len) lies in the memory that the isolate may write. */
bool isolate_contains(const struct isolate *iso, uint64_t ptr, uint64_t len);
/* The same, and may be written to: all but code and constants. */
bool isolate_writable(const struct isolate *iso, uint64_t ptr, uint64_t len);
/* True when addr is in the guard below its stack. */
bool isolate_in_guard(const struct isolate *iso, uint64_t addr);

/* Name of a state for `gvisord ps`; NULL: not shown (no function in it). */
const char *isolate_state_name(enum isolate_state state);
