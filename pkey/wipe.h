#pragma once
/*
 * Taking a range of memory away. Trusted side, threads that are allowed memory
 * calls (first thread, keeper).
 */
#include <stddef.h>

/*
 * Replaces [at, at+len) by an inaccessible mapping, even where the process has
 * as many mappings as it may have. 0, or -errno; -EEXIST: its memory is gone,
 * but something else has come into its place.
 */
int wipe_range(void *at, size_t len);

/* Private anonymous memory: [at, at+len) is zero, and has no pages where they
 * are of nothing else. */
void wipe_zero(void *at, size_t len);
