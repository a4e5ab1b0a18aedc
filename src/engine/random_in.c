/*
 * ChaCha20 (RFC 8439's block function) as a generator with fast key erasure:
 * the first 32 bytes of every refill become the next key. Runs in U; pure.
 */
#include "engine/random_in.h"

#include <string.h>

static inline uint32_t rotl(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static inline void quarter(uint32_t s[16], int a, int b, int c, int d)
{
	s[a] += s[b];
	s[d] = rotl(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotl(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rotl(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotl(s[b] ^ s[c], 7);
}

static void block(
	const uint32_t key[8], uint32_t counter, unsigned char out[64])
{
	uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	uint32_t s[16];

	memcpy(in + 4, key, 32);
	in[12] = counter;
	memcpy(s, in, sizeof(s));
	for (int i = 0; i < 10; i++) {
		quarter(s, 0, 4, 8, 12);
		quarter(s, 1, 5, 9, 13);
		quarter(s, 2, 6, 10, 14);
		quarter(s, 3, 7, 11, 15);
		quarter(s, 0, 5, 10, 15);
		quarter(s, 1, 6, 11, 12);
		quarter(s, 2, 7, 8, 13);
		quarter(s, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		s[i] += in[i];
	memcpy(out, s, sizeof(s));
}

static void refill(struct random_in *r)
{
	block(r->key, 0, r->pool);
	block(r->key, 1, r->pool + RANDOM_IN_BLOCK);
	memcpy(r->key, r->pool, sizeof(r->key));
	memset(r->pool, 0, sizeof(r->key));
	r->left = sizeof(r->pool) - sizeof(r->key);
}

void random_in_init(struct random_in *r, const uint8_t seed[RANDOM_IN_KEY])
{
	memcpy(r->key, seed, sizeof(r->key));
	r->left = 0;
}

void random_in_bytes(struct random_in *r, void *out, size_t n)
{
	unsigned char *to = out;

	while (n > 0) {
		unsigned char *from;
		size_t part;

		if (r->left == 0)
			refill(r);
		part = n < r->left ? n : r->left;
		from = r->pool + sizeof(r->pool) - r->left;
		memcpy(to, from, part);
		memset(from, 0, part);
		r->left -= part;
		to += part;
		n -= part;
	}
}

uint64_t random_in_u64(struct random_in *r)
{
	uint64_t x;

	random_in_bytes(r, &x, sizeof(x));
	return x;
}

uint64_t random_in_upto(struct random_in *r, uint64_t bound)
{
	uint64_t mask = bound ? ~0ull >> __builtin_clzll(bound) : 0;
	uint64_t x;

	/* Refusing what lies above keeps the rest even. */
	do
		x = random_in_u64(r) & mask;
	while (x > bound);
	return x;
}
