#pragma once
/*
 * What functions must not do, by name. Each request names one deed, which is
 * done inside the isolate: by native code (attacker.c), or where there are no
 * keys by an engine of the test daemon's own (probe_in.h).
 *
 *   echo TEXT            replies TEXT
 *   self                 replies the address of a canary of its own
 *   check                replies "whole" if that still holds, else "hurt"
 *   where thread|page|ctl|end|stack|code|constant|relro|image|behind
 *                        replies an address: of the runtime, as every isolate
 *                        finds them through GS; of its own control block, the
 *                        end of its memory, its stack's lowest byte, its code,
 *                        a constant, read-only after relocation, the image, the
 *                        end of that
 *   fill PATTERN         fills a part of its heap
 *   scan PATTERN         replies how often it is in all of its memory; both
 *                        patterns inverted, so that the request has none
 *   pkru                 replies the rights it runs with
 *   read ADDR            replies what is there
 *   foreign ADDR         the same, unless it is its own: replies "own"
 *   write ADDR
 *   gsread ADDR          read, with GS base 0
 *   stackread ADDR RSP   read, with that stack pointer
 *   stacktrap RSP        UD2, with that stack pointer
 *   syscall NR, int80 NR
 *   trap, divide, overflow (the stack), jump ADDR
 *   spin, spintext (in the daemon's own code), callspin (hostcalls)
 *   bomb                 allocates until there is no more
 *   flood                writes past the end of its memory
 *   hostcall NR          makes that hostcall
 *   call NR A B C D      makes it with these arguments, replies its result
 *   reply PTR LEN, log PTR LEN, fail PTR LEN
 *                        hands out memory that may not be its own
 *
 * Numbers are hexadecimal; "@code+8" is one, too: any place that "where" knows.
 * A plan, which comes with the code, has other things
 * done: "load NR A B C D" or "alloc NR A B C D" is the hostcall that is made
 * when the code is to be loaded, or room for a request to be made.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/inside.h"

struct deeds;

struct deeds_ops {
	uint64_t (*hostcall)(
		uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
	void *(*alloc)(struct deeds *d, size_t size);
	void (*free)(struct deeds *d, void *ptr);
	uint64_t spin; /* "jmp *%rax" in the daemon's code */
};

enum {
	DEEDS_REPLY_MAX = 4096
};

struct deeds {
	const struct inside *in;
	const struct deeds_ops *ops;
	const char *plan;  /* "": none */
	void *heap;	   /* for alloc and free */
	const void *relro; /* read-only after relocation */
	uint64_t canary[8];
	const char *at; /* what is left of the request */
	const char *end;
	char reply[DEEDS_REPLY_MAX];
};

void deeds_init(struct deeds *d, const struct deeds_ops *ops, const char *plan);
/* The isolate's own control block, by way of GS. */
struct inside *deeds_inside(void);
/* Does one deed; the reply leaves the isolate. */
void deeds_do(struct deeds *d, const char *text, size_t len);
/* Does whatever the runtime asks for, for ever. */
__attribute__((noreturn)) void deeds_serve(struct deeds *d);

/* deeds_call.c; in code that is to be admitted by default deeds_none.c. */
uint64_t deeds_syscall(uint64_t nr);
uint64_t deeds_int80(uint64_t nr);
