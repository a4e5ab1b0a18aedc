#pragma once
/*
 * SipHash-2-4: a keyed hash, so that whoever chooses names can't choose
 * collisions. Pure function.
 */
#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

uint64_t siphash(struct siphash_key key, const void *p, size_t len);
