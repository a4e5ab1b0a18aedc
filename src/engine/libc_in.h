#pragma once
/* What the C library needs before Lua can run on an isolate's own TLS block. */
#include <stdint.h>

/* First call inside. From here on time() and clock() on this TLS block answer
 * with random numbers made from seed. */
void libc_in_start(uint64_t seed);
