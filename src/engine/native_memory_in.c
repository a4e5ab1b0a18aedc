/*
 * Memory as C knows it, from the isolate's heap. Runs in U. The names are the
 * library's behind a prefix: the program itself keeps the library's.
 */
#include <errno.h>
#include <string.h>

#include "engine/native_libc_in.h"
#include "engine/native_in.h"

enum {
	ALIGN_MAX = 4096
};

/* C code takes NULL for a failure, so that no bytes at all are one. */
static inline size_t some(size_t n)
{
	return n ? n : 1;
}

static void *or_errno(void *p)
{
	if (!p)
		errno = ENOMEM;
	return p;
}

void *native_malloc(size_t n)
{
	return or_errno(heap_in_alloc(native_now->heap, some(n)));
}

void *native_calloc(size_t n, size_t size)
{
	size_t all;
	void *p;

	if (__builtin_mul_overflow(n, size, &all))
		return or_errno(NULL);
	p = native_malloc(all);
	return p ? memset(p, 0, all) : NULL;
}

void *native_realloc(void *p, size_t n)
{
	if (p && n == 0) {
		heap_in_free(native_now->heap, p);
		return NULL;
	}
	return or_errno(heap_in_realloc(native_now->heap, p, some(n)));
}

void *native_reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		return or_errno(NULL);
	return native_realloc(p, all);
}

void native_free(void *p)
{
	heap_in_free(native_now->heap, p);
}

void *native_aligned_alloc(size_t align, size_t n)
{
	if (align == 0 || align > ALIGN_MAX || (align & (align - 1))) {
		errno = EINVAL;
		return NULL;
	}
	return or_errno(
		heap_in_alloc_aligned(native_now->heap, align, some(n)));
}

int native_posix_memalign(void **ret_p, size_t align, size_t n)
{
	void *p;

	if (align < sizeof(void *) || align > ALIGN_MAX ||
		(align & (align - 1)))
		return EINVAL;
	p = heap_in_alloc_aligned(native_now->heap, align, some(n));
	if (!p)
		return ENOMEM;
	*ret_p = p;
	return 0;
}
