#pragma once
/*
 * Native code inside the isolate: the inside half of its engine, and what the
 * functions that it may call (native_exports.h) share. One struct native_in
 * stands on the isolate's stack for as long as the isolate lives. It is in the
 * function's reach, which can only break itself with it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/inside.h"
#include "engine/random_in.h"
#include "pkey/heap_in.h"

enum {
	/* Of an error, as Lua has it. */
	NATIVE_IN_MESSAGE_MAX = 65536,
	/* Messages of our own, and what strerror() gives. */
	NATIVE_IN_TEXT_MAX = 512,
	/* Kept of a line that is logged, by the runtime. */
	NATIVE_IN_LOG_MAX = 1024,
};

struct native_in {
	struct inside *in;
	struct heap *heap;
	bool loaded;
	void *buffer; /* given out by INSIDE_ALLOC and not yet used */
	void *reply;  /* the function's, to be freed at the next entry */
	struct random_in random;
	uint64_t rand; /* of rand() */
	char *strtok;
	char text[NATIVE_IN_TEXT_MAX];
};

/* That of the isolate whose code is running; set at each entry, since several
 * isolates share a thread's block where they have none of their own. */
extern __thread struct native_in *native_now;

/* Inside half of the engine. */
inside_main_fn native_in_main;

/* Leaves for good: with a text of the program's (which is copied: an isolate
 * hands out nothing from outside it) and the address that asked for it. */
__attribute__((noreturn)) void native_in_end(
	enum inside_fail why, const char *text, const void *caller);
/* The same, with a text of the isolate's. */
__attribute__((noreturn)) void native_in_end_with(
	enum inside_fail why, const char *text, size_t len, const void *caller);
/* Ends as the first does, unless p is a live block of the heap or NULL. */
void native_in_expect(const void *p, const char *text, const void *caller);
