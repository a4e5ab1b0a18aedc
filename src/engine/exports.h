#pragma once
/*
 * What a native function may call: the one table of names that the runtime
 * defines for it. A symbol that neither the object nor this table defines is
 * refused. Outside; constant.
 */
#include <stdbool.h>

/* NULL-terminated. */
extern const char *const exports_native[];

bool exports_have(const char *const *exports, const char *name);
