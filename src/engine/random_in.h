#pragma once
/*
 * Random numbers of one isolate: ChaCha20 keyed by the seed the runtime wrote.
 * The key is replaced with each refill, so what was handed out cannot be
 * computed from the state that is left.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	RANDOM_IN_KEY = 32,
	RANDOM_IN_BLOCK = 64
};

struct random_in {
	uint32_t key[RANDOM_IN_KEY / 4];
	unsigned char pool[2 * RANDOM_IN_BLOCK];
	size_t left; /* unused bytes at the end of pool */
};

void random_in_init(struct random_in *r, const uint8_t seed[RANDOM_IN_KEY]);
void random_in_bytes(struct random_in *r, void *out, size_t n);
uint64_t random_in_u64(struct random_in *r);
/* Evenly from [0, bound]. */
uint64_t random_in_upto(struct random_in *r, uint64_t bound);
