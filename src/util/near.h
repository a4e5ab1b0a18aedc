#pragma once
/*
 * Asks for memory before it is needed. A hint: nothing is read, nothing can
 * fault, whatever the address.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	NEAR_LINE = 64
};

/* Into the second cache: the first is too small to hold it until its turn. */
static inline void near_bring(const void *at, size_t len)
{
	uintptr_t p = (uintptr_t)at & ~(uintptr_t)(NEAR_LINE - 1);

	for (; p < (uintptr_t)at + len; p += NEAR_LINE)
		__builtin_prefetch((const void *)p, 0, 1);
}
