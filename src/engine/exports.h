#pragma once
/*
 * What a native function may call: the one table of names that the runtime
 * defines for it (native_exports.h), and where they are. A symbol that neither
 * the object nor this table defines is refused. Outside; constant.
 */
#include <stdbool.h>
#include <stddef.h>

/* Sorted as strcmp() sorts, NULL-terminated, as any list given to the functions
 * below. */
extern const char *const exports_native[];

/* Index of a name; -1: it is not there. */
int exports_find(const char *const *exports, const char *name);
bool exports_have(const char *const *exports, const char *name);

/* By the index in exports_native. Part of the inside halves of the engines
 * (native_exports_in.c): who looks at names alone need not link it. */
extern const void *const exports_address[];
