#pragma once
/*
 * The seam between domains and the hardware: everything that differs between
 * a machine with protection keys and one without stands behind struct prim.
 * prim_mpk.c is the real thing, prim_soft.c the fallback for machines without:
 * same calls, no wall (memory-safe engines only; the caller's duty).
 *
 * Source: pkeys(7), Linux Documentation/core-api/protection-keys.rst, Intel SDM
 * vol. 3A 4.6.2 (PKRU: bit 2k denies access, bit 2k+1 denies writing).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PRIM_KEYS = 16,	      /* what the architecture has */
	PRIM_KEY_TRUSTED = 0, /* key of every mapping nobody tagged */
};

struct prim {
	const char *name; /* "mpk", "software" */
	bool hardware;
	/*
	 * Takes a key nobody has; open says whether the calling thread (and
	 * those it creates) may access its memory. Returns the key, or -errno
	 * (-ENOSPC: none left).
	 */
	int (*key_alloc)(bool open);
	/*
	 * Gives [addr, addr+len) a key and prot; page aligned. Returns 0 or
	 * -errno; on failure part of the range may have the new key.
	 */
	int (*tag)(void *addr, size_t len, int prot, int key);
};

extern const struct prim prim_mpk;
extern const struct prim prim_soft;

/*
 * What this machine offers: 0 when prim_mpk will do, else -errno and a
 * sentence for the user in *ret_why. Takes and gives back one key.
 */
int prim_probe(const char **ret_why);
