#pragma once
/*
 * The thread-local block of an isolate. C library code inside an isolate finds
 * errno, its locale and the stack protector's canary through FS; each isolate
 * has a block of its own, made from the program's pristine one, with fresh
 * random canaries.
 *
 * Layout (x86-64 ELF TLS, variant II): [image | thread control block], FS at
 * the control block. Source: Drepper, "ELF Handling For Thread-Local Storage".
 */
#include <stddef.h>
#include <stdint.h>

enum {
	TLS_ALIGN = 64
};

/* Reads the image once; the others need it. First thread. */
void tls_init(void);

/*
 * Bytes of one block; 0: this build can't make any, and isolates then run with
 * the worker's own FS (dynamic builds, never with keys).
 */
size_t tls_size(void);

/*
 * Writes into buf (tls_size() bytes) the block as it shall stand at address
 * `at`, a multiple of TLS_ALIGN. Returns its FS base.
 */
uint64_t tls_build(void *buf, uint64_t at, const uint64_t random[2]);
