#pragma once
/* Is a text JSON (RFC 8259), is it text at all (UTF-8)? Runs in U; no memory,
 * no recursion. */
#include <stdbool.h>
#include <stddef.h>

enum {
	JSON_CHECK_IN_DEPTH = 1024 /* arrays and objects within each other */
};

struct json_check_in_fault {
	size_t at; /* the byte from which on it is none */
	bool deep; /* it may be some, but goes deeper than that */
};

/* *ret_fault is written if it is false. */
bool json_check_in(
	const void *text, size_t len, struct json_check_in_fault *ret_fault);

/* False: *ret_at is the byte from which on it is none. */
bool utf8_check_in(const void *text, size_t len, size_t *ret_at);
