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

/* The sizes that pay for being known. */
static inline void move(const struct sort *s, void *to, const void *from)
{
	if (s->size == 8)
		memcpy(to, from, 8);
	else if (s->size == 4)
		memcpy(to, from, 4);
	else
		memcpy(to, from, s->size);
}

static void insertion(const struct sort *s, unsigned char *base, size_t n)
{
	unsigned char one[ELEMENT_MAX];
	size_t size = s->size;

	for (size_t i = 1; i < n; i++) {
		unsigned char *at = base + i * size, *to = at;

		while (to > base && less(s, at, to - size))
			to -= size;
		if (to == at)
			continue;
		move(s, one, at);
		memmove(to + size, to, (size_t)(at - to));
		move(s, to, one);
	}
}

static void merge(
	const struct sort *s, unsigned char *base, size_t half, size_t n)
{
	const size_t size = s->size;
	unsigned char *left = s->spare, *left_end = left + half * size;
	unsigned char *right = base + half * size, *right_end = base + n * size;

	/* In order already, as sorted input is. */
	if (!less(s, right, right - size))
		return;
	memcpy(left, base, half * size);
	while (left < left_end && right < right_end) {
		unsigned char **from = less(s, right, left) ? &right : &left;

		move(s, base, *from);
		*from += size;
		base += size;
	}
	memcpy(base, left, (size_t)(left_end - left));
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
