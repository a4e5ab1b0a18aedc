#pragma once
/* Numbers of a benchmark: collected in memory set aside before, because a
 * worker may not allocate; reported as lines of "name value". */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

enum {
	SAMPLES_MAX = 100000
};

struct samples {
	size_t n;
	uint64_t ns[SAMPLES_MAX];
};

static inline void samples_add(struct samples *s, uint64_t ns)
{
	CHECK(s->n < SAMPLES_MAX);
	s->ns[s->n++] = ns;
}

static inline int samples_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* p50 and p99 in microseconds; starts the collection anew. */
static inline void samples_print(struct samples *s, const char *name)
{
	CHECK(s->n > 0);
	qsort(s->ns, s->n, sizeof(*s->ns), samples_compare);
	printf("%s_p50_us %.2f\n%s_p99_us %.2f\n", name,
		(double)s->ns[s->n / 2] / 1e3, name,
		(double)s->ns[s->n * 99 / 100] / 1e3);
	s->n = 0;
}
