#pragma once
/*
 * The protocol between the runtime and the inside half of an engine.
 *
 * struct inside is the control block of one isolate. It lies in the isolate's
 * own memory: the runtime writes it before an entry, the inside reads it, and
 * whatever the runtime reads back is checked as hostile input.
 *
 * One entry, one story: the runtime writes `op` and its operands and enters.
 * The inside does it and leaves with one of the hostcalls that end the entry
 * (INSIDE_READY, _REPLY, _FAIL, _BUFFER). In between it may make the calls that
 * return (INSIDE_LOG, _TIME, _COMPILED). The first entry ever starts
 * `inside_main` on a fresh stack; later ones return from the hostcall that
 * ended the one before.
 */
#include <stdint.h>

#include "pkey/gate.h"

/* What the runtime asks for (struct inside, op). */
enum inside_op {
	INSIDE_LOAD = 1, /* load the code, find the entry point, say READY. If
			  * that was done: prepare one context more */
	INSIDE_INVOKE,	 /* (load first if need be,) call it with the request */
	INSIDE_ALLOC,	 /* allocate `want` bytes for a request, say BUFFER */
};

/* Hostcall numbers. */
enum inside_call {
	INSIDE_READY = 1, /* () the code is loaded. Ends the entry */
	INSIDE_REPLY,	  /* (ptr, len, inside_reply) Ends the entry */
	INSIDE_FAIL,	  /* (inside_fail, ptr, len of a message, address)
			   * Ends the entry */
	INSIDE_BUFFER,	  /* (ptr) `want` bytes at ptr, or 0. Ends the entry */
	INSIDE_LOG,	  /* (inside_log, ptr, len) returns 0 */
	INSIDE_TIME,	  /* (inside_clock) nanoseconds, in coarse steps */
	INSIDE_COMPILED,  /* (ptr, len) the code, compiled, before any of it has
			   * run; once, at a load that has asked for it, and
			   * no more than `want` bytes. Returns 0 */
};

enum {
	/* What INSIDE_TIME counts in: too coarse to be a stop-watch for what a
	 * neighbour left in a cache. */
	INSIDE_CLOCK_STEP_NS = 1000000
};

/* How the reply's bytes are to be taken. */
enum inside_reply {
	INSIDE_REPLY_JSON = 0,
	INSIDE_REPLY_TEXT,  /* the handler returned a plain string */
	INSIDE_REPLY_BYTES, /* it means no text at all */
};

/* Why there is no reply. After LOAD, ENTRY, NOMEM, GIVEN_UP and DIED the
 * isolate is given up; after the others it may be invoked again. */
enum inside_fail {
	INSIDE_FAIL_LOAD = 1, /* the code does not load: Code.LoadFailed */
	INSIDE_FAIL_ENTRY,    /* no such entry point: Code.EntryMissing */
	INSIDE_FAIL_ERROR,    /* the function raised: Function.Error */
	INSIDE_FAIL_NOMEM,    /* budget spent: Function.OutOfMemory */
	INSIDE_FAIL_RESPONSE, /* result can't be JSON: Function.ResponseInvalid
			       */
	INSIDE_FAIL_REQUEST,  /* request is no JSON: Request.BadJson */
	INSIDE_FAIL_GIVEN_UP, /* as ERROR, but the isolate is given up */
	INSIDE_FAIL_DIED,     /* it ended itself: Function.Crashed. The fourth
			       * argument is the address of the caller, or 0 */
};

enum inside_log {
	INSIDE_LOG_DEBUG,
	INSIDE_LOG_INFO,
	INSIDE_LOG_WARN,
	INSIDE_LOG_ERROR
};

enum inside_clock {
	INSIDE_CLOCK_REAL, /* since 1970 */
	INSIDE_CLOCK_MONO, /* since some point in the past */
};

enum {
	INSIDE_NAME_MAX = 64,
	INSIDE_ID_MAX = 32
};

struct inside {
	struct gate_ctl gate;

	/* Written by the inside for the runtime's statistics; here, so that
	 * one copy takes it all out. */
	uint64_t heap_used;
	uint64_t heap_peak;
	/* Contexts that calls can have at once. A hint: what it comes to is
	 * the function's own affair. */
	uint64_t contexts_ready;

	/* Written once, when the isolate is laid out. Addresses are absolute.
	 */
	uint64_t heap; /* [heap, heap + heap_len): see pkey/heap_in.h */
	uint64_t heap_len;
	uint64_t code;	   /* the function's code, NUL-terminated; this area
			    * may be given to the heap once it is loaded */
	uint64_t code_len; /* without the NUL */
	uint64_t stack;	   /* lowest usable address of the stack */
	uint64_t stack_len;
	uint8_t seed[32];      /* random bytes, fresh for each isolate */
	uint64_t memory_limit; /* the function's budget in bytes */
	/* Native code, which lies at `code`, `code_len` bytes: */
	uint64_t handler; /* entry point */
	uint64_t init;	  /* constructor, or 0 */
	uint64_t inits;	  /* addresses of n_inits more */
	uint64_t n_inits;
	uint64_t version;
	uint32_t contexts; /* 0: one, for good. Else each call has its own, and
			    * so many are kept ready */
	uint32_t compiled; /* code is what INSIDE_COMPILED was given */
	char tenant[INSIDE_NAME_MAX]; /* NUL-terminated, as all names here */
	char function[INSIDE_NAME_MAX];
	char entry[INSIDE_NAME_MAX];

	/* Written before each entry. */
	uint32_t op; /* enum inside_op */
	uint32_t pad;
	uint64_t want;	     /* INSIDE_ALLOC: bytes. INSIDE_LOAD: the most bytes
			      * that INSIDE_COMPILED may have; 0: none */
	uint64_t req;	     /* INSIDE_INVOKE: the request's bytes, in the
			      * isolate: the window or an INSIDE_BUFFER, which
			      * the inside frees when it is done with it */
	uint64_t req_len;    /* 0: no body, which stands for JSON null */
	uint64_t timeout_ns; /* time left for this entry */
	uint64_t entered_ns; /* INSIDE_CLOCK_MONO at the entry, so that the
			      * inside can tell what is left; 0: not told */
	char invocation[INSIDE_ID_MAX];
};

/* An engine's inside half: runs in U on the isolate's stack, never returns. */
typedef void inside_main_fn(struct inside *in);
