#pragma once
/*
 * What is left in registers, flags and control words when the gate is passed:
 * from the runtime to an isolate, from one isolate to the next, and from an
 * isolate to the runtime.
 */
#include "tests/security/box.h"

enum registers_class {
	REGISTERS_GENERAL,
	REGISTERS_VECTOR,  /* XMM, YMM, and ZMM and masks if there are */
	REGISTERS_X87,	   /* MMX's too */
	REGISTERS_CONTROL, /* flags, MXCSR, x87 control; and PKRU */
	REGISTERS_CLASSES
};

/* When they are looked at. */
enum registers_when {
	REGISTERS_ENTRY,  /* an isolate's first instruction */
	REGISTERS_RETURN, /* after a hostcall of its */
	/* The next isolate's first, after one that left, died, was stopped. */
	REGISTERS_CALL,
	REGISTERS_TRAP,
	REGISTERS_STOP,
	REGISTERS_WHENS
};

/* The case: nothing of that class is left at any time. */
void registers_clean(enum registers_class class);
/* The control: without the gate's clearing at least `least` registers are. */
void registers_left(
	enum registers_class class, enum registers_when when, unsigned least);

/* Without GATE_FEATURE_* in this machine there is nothing to look at. */
bool registers_have(unsigned feature);

/* An isolate spoils a flag or control word by fn, which leaves, and the runtime
 * finds all in order; the control: it does not, without the clearing. */
void registers_spoil(const char *name, void (*fn)(void));
/* The runtime found flags and control words as the C ABI wants them. */
bool registers_in_order(const struct box_end *e);
