#pragma once
/*
 * Address space for isolates: slots of equal size, reserved once at start
 * without memory behind them. A slot holds one isolate, contiguous, so that one
 * call tags it and what a small isolate touches shares one page table page.
 *
 * Two sizes: the common slot holds budgets up to 64 MiB, the big one up to
 * 1 GiB. Trusted side; nothing here touches a slot's memory.
 */
#include <stddef.h>
#include <stdint.h>

enum arena_class {
	ARENA_COMMON,
	ARENA_BIG,
	ARENA_CLASSES
};

#define ARENA_COMMON_BYTES ((size_t)64 << 20)
#define ARENA_BIG_BYTES ((size_t)1 << 30)

struct arena {
	char *base[ARENA_CLASSES];
	size_t count[ARENA_CLASSES];
};

/* Reserves count slots of each class. 0 or -errno. */
int arena_init(struct arena *a, const size_t count[ARENA_CLASSES]);
void arena_fini(struct arena *a);

size_t arena_slot_bytes(enum arena_class class);
/* The smallest class that holds `bytes`; ARENA_CLASSES: none does. */
enum arena_class arena_class_of(size_t bytes);
char *arena_slot(const struct arena *a, enum arena_class class, size_t i);
