#pragma once
/*
 * Instructions that isolates have no business with: each must end the isolate,
 * as the named signal, and nothing else. Control: handlers that run on the
 * isolate's own stack, where they can't; the process dies.
 *
 * RSP points at, and every other register too, what IRET, far returns and far
 * jumps take: RIP, CS, flags, RSP, SS.
 */
#include <stddef.h>
#include <stdint.h>

#include "tests/security/box.h"

enum {
	ODD_BYTES = 16,
	ODD_ANY = 0, /* signal: depends on the CPU */
	ODD_FRAME = 5,
	ODD_CODE = 0x10002000, /* an executable page, full of UD2 */
};

struct odd {
	const char *name;
	unsigned char bytes[ODD_BYTES];
	unsigned len;
	int signal;
	uint64_t frame[ODD_FRAME];
};

#define ODD(text, sig, ...)                                                    \
	{                                                                      \
		.name = (text), .bytes = {__VA_ARGS__},                        \
		.len = sizeof((unsigned char[]){__VA_ARGS__}), .signal = (sig) \
	}

/* A case each; a control for every `step`-th. */
void odd_try(const struct odd *odds, size_t n, size_t step);
