#pragma once
/*
 * The process's protection keys: all of them, taken once at start and never
 * given back, so that none is ever used by somebody else or used again while a
 * PKRU value that opens it is still about (design: "a key is never reused while
 * someone may still hold it").
 *
 *   0         trusted memory: the kernel's default for every mapping
 *   shared    S: what isolates may read and nobody but the runtime may write
 *   parked    P: memory of isolates that hold no key; opened by no PKRU value
 *   isolate[] the rest, lent to isolates over time
 */
#include <stdint.h>

#include "pkey/prim.h"

enum {
	KEYS_MIN_ISOLATE = 2
};

struct keys {
	const struct prim *prim;
	int shared;
	int parked;
	unsigned n_isolate;
	int isolate[PRIM_KEYS];
};

/*
 * Takes every key there is. In software mode there are none: all numbers are 0
 * and n_isolate is 0. Returns 0, or -errno when too few are left to work with
 * (the process must then not go on in MPK mode).
 */
int keys_init(struct keys *keys, const struct prim *prim);

/* T: key 0 and S open, all else denied. */
uint32_t keys_pkru_trusted(const struct keys *keys);
/* U of an isolate that holds `key`: that one open, S readable, else denied. */
uint32_t keys_pkru_isolate(const struct keys *keys, int key);
/* T with one isolate's key open too, for copying. */
uint32_t keys_pkru_copy(const struct keys *keys, int key);
/* Bits that must be set in every U: access to 0 and P, writes to S. */
uint32_t keys_pkru_denied(const struct keys *keys);
