#pragma once
/*
 * An engine whose inside half does what it is told, bad things above all. What
 * to do stands in the request's first byte; for a load or an allocation in the
 * code's first or second. The rest of the request are operands.
 */
#include "engine/engine.h"

enum hostile {
	HOSTILE_ECHO = 'A',  /* the request back */
	HOSTILE_COUNT,	     /* how many calls this isolate had: 8 bytes */
	HOSTILE_CALL,	     /* hostcall args[0] (args[1], ...) */
	HOSTILE_CALL_INSIDE, /* same, args[2] counts from the heap's start */
	HOSTILE_CALL_END,    /* same, args[2] counts back from the end */
	HOSTILE_CALL_HEAP,   /* same, args[1] counts from the heap's start */
	HOSTILE_CALL_LAST,   /* same, args[1] counts back from the end */
	HOSTILE_LOGS,	     /* log calls without end */
	HOSTILE_LOG_AT,	     /* one log call: level, address, length; echo */
	HOSTILE_TIME,	     /* TIME of args[0]: 8 bytes */
	HOSTILE_SPIN,
	HOSTILE_TRAP,
	HOSTILE_SYSCALL,     /* args[0]; its result, should it return */
	HOSTILE_STACK,	     /* runs down its stack */
	HOSTILE_READ,	     /* reads address args[0] */
	HOSTILE_STATS,	     /* claims an absurd heap; echo */
	HOSTILE_READY,	     /* as a load should end */
	HOSTILE_BUFFER,	     /* as an allocation should end */
	HOSTILE_BUFFER_NONE, /* BUFFER(0) */
	HOSTILE_BUFFER_LOW,  /* BUFFER at the stack's first byte - 1 */
	HOSTILE_BUFFER_END,  /* BUFFER one byte short of its room */
	HOSTILE_BUFFER_WRAP, /* BUFFER near 2^64 */
	HOSTILE_FAIL_LOAD,   /* FAIL(kind, "why") */
	HOSTILE_FAIL_ENTRY,
	HOSTILE_FAIL_NOMEM,
	HOSTILE_FAIL_ERROR,
	HOSTILE_REPLY, /* REPLY of nothing, whatever was asked */

	/* Loads only; all end with READY, if they are allowed to. */
	HOSTILE_OFFER,		 /* COMPILED: as much as is wanted, else 8 */
	HOSTILE_OFFER_TWICE,	 /* the same again */
	HOSTILE_OFFER_LARGE,	 /* one byte more than is wanted */
	HOSTILE_OFFER_NONE,	 /* no byte */
	HOSTILE_OFFER_LOW,	 /* from the stack's first byte - 1 on */
	HOSTILE_OFFER_END,	 /* one byte more than there is */
	HOSTILE_OFFER_WRAP,	 /* near 2^64 */
	HOSTILE_OFFER_LATE,	 /* only when asked for a context more */
	HOSTILE_CONTEXTS,	 /* one more ready each time */
	HOSTILE_CONTEXTS_ABSURD, /* says 2^64 - 1 */
	HOSTILE_CONTEXTS_NONE,	 /* 1 ready, never more */
	HOSTILE_CONTEXTS_SPIN,	 /* 1 ready; for the next it never ends */
	HOSTILE_CONTEXTS_TRAP,
	HOSTILE_CONTEXTS_FAIL, /* a load that fails, though it was loaded */
};

/* A request: what, and up to five operands. */
struct hostile_request {
	uint8_t what;
	uint8_t pad[7];
	uint64_t args[5];
};

inside_main_fn hostile_main_in;
