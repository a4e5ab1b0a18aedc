/*
 * Memory as C knows it, from the isolate's heap. Runs in U. The names are the
 * library's behind a prefix: the program itself keeps the library's.
 */
#include <errno.h>
#include <string.h>

#include "engine/native_in.h"
#include "engine/native_libc_in.h"
#include "gvisor/function.h"

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

/* Of what is no block of the heap: a wrong pointer, or freed before. */
#define EXPECT_BLOCK(p, name)                                                  \
	native_in_expect(p,                                                    \
		name "(): not a block of the heap, or freed before",           \
		__builtin_return_address(0))

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

static void *resize(void *p, size_t n)
{
	if (p && n == 0) {
		heap_in_free(native_now->heap, p);
		return NULL;
	}
	return or_errno(heap_in_realloc(native_now->heap, p, some(n)));
}

void *native_realloc(void *p, size_t n)
{
	EXPECT_BLOCK(p, "realloc");
	return resize(p, n);
}

void *native_reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		return or_errno(NULL);
	EXPECT_BLOCK(p, "reallocarray");
	return resize(p, all);
}

void native_free(void *p)
{
	EXPECT_BLOCK(p, "free");
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

/* function.h ---------------------------------------------------------------*/

void *gv_alloc(size_t size)
{
	return heap_in_alloc(native_now->heap, size);
}

void *gv_realloc(void *ptr, size_t size)
{
	EXPECT_BLOCK(ptr, "gv_realloc");
	return heap_in_realloc(native_now->heap, ptr, size);
}

void gv_free(void *ptr)
{
	EXPECT_BLOCK(ptr, "gv_free");
	heap_in_free(native_now->heap, ptr);
}
