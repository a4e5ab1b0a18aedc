#pragma once
/* Is a text JSON (RFC 8259)? Runs in U; no memory, no recursion. */
#include <stdbool.h>
#include <stddef.h>

enum {
	JSON_CHECK_IN_DEPTH = 1024 /* arrays and objects within each other */
};

/* False: *ret_at is the byte from which on it is none. */
bool json_check_in(const void *text, size_t len, size_t *ret_at);
