#pragma once
/* Which function is called next: by Zipf's law, the same on each machine. */
#include <math.h>
#include <stdint.h>

/* xorshift64, Marsaglia 2003. */
static inline uint64_t draw_next(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

#define DRAW_SEED 88172645463325252u

/* sum[i]: how often one of the first i + 1 is called, by 1/rank^zipf. */
static inline void draw_popularity(double *sum, unsigned n, double zipf)
{
	double total = 0;

	for (unsigned i = 0; i < n; i++) {
		total += pow(i + 1, -zipf);
		sum[i] = total;
	}
}

/* The rank of one, 0 the most popular. */
static inline unsigned draw_rank(
	uint64_t *random, const double *sum, unsigned n)
{
	double x = (double)(draw_next(random) >> 11) * 0x1p-53 * sum[n - 1];
	unsigned low = 0, high = n - 1;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (sum[mid] < x)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}
