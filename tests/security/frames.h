#pragma once
/*
 * Signal frames with the stack pointer at a victim. Since Linux 6.12 the kernel
 * writes a frame with all keys open: an isolate that points its stack somewhere
 * and then faults has it write there, with registers of its choosing. The
 * alternate stack is what stops that; and on it SS_AUTODISARM is what stops
 * isolates that point their stack at it.
 */
#include <stdint.h>

#include "tests/security/box.h"

/* What makes the kernel write a frame. */
struct frames_trigger {
	const char *name;
	/* U: does it with that stack pointer; other: an address. */
	void (*at)(uint64_t rsp, uint64_t other);
	int signal;
	int code;    /* si_code */
	bool victim; /* other: trusted memory; else memory of its own */
	bool stop;   /* the keeper's SIGURG comes meanwhile */
	/* Emulated CPUs don't raise it; there is a UD2 behind it, which then is
	 * what is caught, and a note of it. */
	bool hardware;
};

extern const struct frames_trigger frames_trap, frames_divide, frames_call,
	frames_page, frames_noexec, frames_key, frames_int3, frames_icebp,
	frames_hlt, frames_canonical, frames_step, frames_align, frames_simd,
	frames_x87, frames_stop;

/* The stack in the heap, in a resident and in a parked isolate: cases; and
 * controls, with handlers that don't ask for the alternate stack. */
void frames_try_places(const struct frames_trigger *t);

/* The stack at an offset of the alternate stack: cases. controls: the alternate
 * stack stays armed, and the process dies. */
void frames_try_altstack(
	const struct frames_trigger *t, uint64_t offset, bool controls);

/* The stack at an address where no frame can be: a case, and a control where
 * the kernel tries, and kills the process. */
void frames_try_address(
	const struct frames_trigger *t, const char *where, uint64_t rsp);
