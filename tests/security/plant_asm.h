#pragma once
/* Pieces of assembly of plant.c (plant_asm.S). */
#include <stdint.h>

struct plant_jump {
	uint64_t r[16]; /* as instructions number them */
	uint64_t rip;
};

/* U: all registers as given, then there. */
__attribute__((noreturn)) void plant_jump(const struct plant_jump *j);

/* Where what was planted leads to, with all keys open: on to plant_loot(a) on
 * the stack, both from plant_context. */
void plant_opened(void);
struct plant_context {
	uint64_t rsp;
	uint64_t a;
};
extern struct plant_context plant_context;

/* ... with no more rights than before. The stack has: FS and GS bases as they
 * were, a. On to plant_bases(a, fs, gs). */
void plant_rebased(void);
