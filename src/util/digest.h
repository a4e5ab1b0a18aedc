#pragma once
/* SHA-256 of code, as text: the identity of a version. Control thread. */
#include <stddef.h>

enum {
	DIGEST_HEX = 65
}; /* with the NUL */

void digest_sha256(const void *p, size_t len, char ret_hex[DIGEST_HEX]);
