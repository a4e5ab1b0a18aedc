/*
 * qsort. Runs in U. A merge sort, as the library's is, so that equal elements
 * keep their order here, too; where there is no memory for it, a heap sort in
 * place.
 */
#include <stdint.h>
#include <string.h>

#include "engine/native_in.h"
#include "engine/native_libc_in.h"

enum {
	RUN = 8,	 /* elements sorted by insertion */
	ELEMENT_MAX = 64 /* bytes of one that insertion keeps aside */
};

struct sort {
	int (*compare)(const void *, const void *, void *);
	void *arg;
	size_t size;
	unsigned char *spare;
};

static inline bool less(const struct sort *s, const void *a, const void *b)
{
	return s->compare(a, b, s->arg) < 0;
}

/* Inlined, with a size that is known: twice as fast. */
#define INLINE static inline __attribute__((always_inline))

INLINE void insertion_of(
	const struct sort *s, unsigned char *base, size_t n, size_t size)
{
	_Alignas(16) unsigned char one[ELEMENT_MAX];

	for (size_t i = 1; i < n; i++) {
		unsigned char *to = base + i * size;

		if (!less(s, to, to - size))
			continue;
		memcpy(one, to, size);
		do {
			memcpy(to, to - size, size);
			to -= size;
		} while (to > base && less(s, one, to - size));
		memcpy(to, one, size);
	}
}

static void insertion(const struct sort *s, unsigned char *base, size_t n)
{
	if (s->size == 4)
		insertion_of(s, base, n, 4);
	else if (s->size == 8)
		insertion_of(s, base, n, 8);
	else
		insertion_of(s, base, n, s->size);
}

/* `left` is a copy of what base begins with; `right` follows there. No branch
 * hangs on the order, which nobody can foresee. */
INLINE void merge_of(const struct sort *s, unsigned char *base, size_t half,
	size_t n, size_t size)
{
	const unsigned char *left = s->spare, *left_end = left + half * size;
	const unsigned char *right = base + half * size;
	const unsigned char *right_end = base + n * size;

	memcpy(s->spare, base, half * size);
	while (left < left_end && right < right_end) {
		size_t step = less(s, right, left) ? size : 0;

		memcpy(base, step ? right : left, size);
		right += step;
		left += size - step;
		base += size;
	}
	memcpy(base, left, (size_t)(left_end - left));
}

static void merge(
	const struct sort *s, unsigned char *base, size_t half, size_t n)
{
	const unsigned char *right = base + half * s->size;

	/* In order already, as sorted input is. */
	if (!less(s, right, right - s->size))
		return;
	if (s->size == 4)
		merge_of(s, base, half, n, 4);
	else if (s->size == 8)
		merge_of(s, base, half, n, 8);
	else
		merge_of(s, base, half, n, s->size);
}

/* The recursion is as deep as the logarithm of n. */
static void merge_sort(const struct sort *s, unsigned char *base, size_t n)
{
	size_t half = n / 2;

	if (n <= RUN && s->size <= ELEMENT_MAX) {
		insertion(s, base, n);
		return;
	}
	if (n < 2)
		return;
	merge_sort(s, base, half);
	merge_sort(s, base + half * s->size, n - half);
	merge(s, base, half, n);
}

static void swap(const struct sort *s, unsigned char *a, unsigned char *b)
{
	for (size_t left = s->size; left > 0; left--) {
		unsigned char c = *a;

		*a++ = *b;
		*b++ = c;
	}
}

/* Lets the element at i sink in a heap of n. */
static void sink(const struct sort *s, unsigned char *base, size_t i, size_t n)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n)
			return;
		if (child + 1 < n && less(s, base + child * s->size,
					     base + (child + 1) * s->size))
			child++;
		if (!less(s, base + i * s->size, base + child * s->size))
			return;
		swap(s, base + i * s->size, base + child * s->size);
		i = child;
	}
}

static void heap_sort(const struct sort *s, unsigned char *base, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sink(s, base, i, n);
	while (n-- > 1) {
		swap(s, base, base + n * s->size);
		sink(s, base, 0, n);
	}
}

void native_qsort_r(void *base, size_t n, size_t size,
	int (*compare)(const void *, const void *, void *), void *arg)
{
	struct sort s = {.compare = compare, .arg = arg, .size = size};
	size_t bytes;

	if (n < 2 || size == 0 || __builtin_mul_overflow(n / 2, size, &bytes))
		return;
	if (n <= RUN && size <= ELEMENT_MAX) {
		insertion(&s, base, n);
		return;
	}
	s.spare = heap_in_alloc(native_now->heap, bytes);
	if (!s.spare) {
		heap_sort(&s, base, n);
		return;
	}
	merge_sort(&s, base, n);
	heap_in_free(native_now->heap, s.spare);
}

void native_qsort(void *base, size_t n, size_t size,
	int (*compare)(const void *, const void *))
{
	/* A function that takes two arguments does not look at a third. */
	native_qsort_r(base, n, size,
		(int (*)(const void *, const void *, void *))(
			void (*)(void))compare,
		NULL);
}
