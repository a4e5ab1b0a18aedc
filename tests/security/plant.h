#pragma once
/*
 * Forbidden instructions, planted in executable memory of the box: what the
 * scanner says of them, and what an isolate that jumps there gets.
 *
 *   plant_map()      a piece of memory, full of breakpoints
 *   plant_lay()      bytes into it, and behind them a jump to where the loot is
 *   plant_close()    executable from here on, writable no more
 *   plant_scan()     the scan that the daemon does before its first isolate
 *   plant_control()  a box without that scan: each is jumped to
 *
 * T in the evaluation's process; boxes inherit the memory.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/scan.h"
#include "tests/security/box.h"

enum plant_effect {
	PLANT_OPENS, /* rights to everything */
	PLANT_FS,    /* another FS base */
	PLANT_GS,
	PLANT_NOTHING, /* on this CPU: a fault */
};

enum {
	PLANT_BYTES = 32,
	PLANT_TAIL = 5, /* behind the bytes */
	PLANT_PAGE = 4096,
	PLANT_NONE = -1,	    /* no such register */
	PLANT_OPERAND = 0x10000200, /* operands that registers don't name */
};

/* Numbers of registers as instructions have them: RAX RCX RDX RBX RSP RBP RSI
 * RDI R8 ... R15. */
struct plant {
	char name[48];
	unsigned char bytes[PLANT_BYTES];
	unsigned len;
	unsigned entry; /* where the isolate jumps */
	unsigned hit;	/* where the scanner must find it */
	enum scan_class class;
	enum plant_effect effect;
	/* XRSTOR: its memory operand. WRFSBASE, WRGSBASE: base is the source.
	 */
	int base;
	int index;
	unsigned scale;
	int32_t disp;
	bool low;	   /* the operand is at PLANT_OPERAND */
	unsigned char *at; /* plant_lay() */
};

struct plant_field {
	unsigned char *at;
	size_t len;
};

void plant_map(struct plant_field *f, size_t pages);
/* At an offset; the jump is left out if it would not fit any more. */
void plant_lay(const struct plant_field *f, struct plant *p, size_t offset);
void plant_close(const struct plant_field *f);
void plant_unmap(const struct plant_field *f);

/* Scans all executable memory of this process. Returns the number of hits in
 * the field that are not the gate's; -errno. */
int plant_scan(const struct plant_field *f);
/* True when the last scan found this one, where it is and as what it is. */
bool plant_found(const struct plant *p);
/* A case each: found. */
void plant_cases(const struct plant *p, size_t n);

/* A control for each that has an effect. One box for all. */
void plant_controls(const struct plant *p, size_t n);
/* The same, as one control: all have it. */
void plant_control_all(const struct plant *p, size_t n, const char *name);
