#pragma once
/* What the C library needs before Lua can run on an isolate's own TLS block. */
#include <stdint.h>

/* First call inside. seed: what time() answers until libc_in_ready(). */
void libc_in_start(uint64_t seed);
void libc_in_ready(void);
