/* Reserves address space for isolates. Trusted side. See arena.h. */
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/err.h"
#include "core/arena.h"

/* Slots start on this boundary, so that a small isolate's pages lie within one
 * page table page. */
#define ARENA_ALIGN ((size_t)2 << 20)

static const size_t arena_bytes[ARENA_CLASSES] = {
	[ARENA_COMMON] = ARENA_COMMON_BYTES,
	[ARENA_BIG] = ARENA_BIG_BYTES,
};

size_t arena_slot_bytes(enum arena_class class)
{
	return arena_bytes[class];
}

enum arena_class arena_class_of(size_t bytes)
{
	for (enum arena_class c = 0; c < ARENA_CLASSES; c++)
		if (bytes <= arena_bytes[c])
			return c;
	return ARENA_CLASSES;
}

static int arena_reserve(struct arena *a, enum arena_class c, size_t count)
{
	size_t len;
	char *p;

	if (__builtin_mul_overflow(count, arena_bytes[c], &len) ||
		__builtin_add_overflow(len, ARENA_ALIGN, &len))
		return -ENOMEM;
	p = mmap(NULL, len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return err_errno();
	/* The few bytes cut off for alignment are address space alone. */
	a->base[c] = (char *)(((uintptr_t)p + ARENA_ALIGN - 1) &
			      ~(uintptr_t)(ARENA_ALIGN - 1));
	a->count[c] = count;
	return 0;
}

int arena_init(struct arena *a, const size_t count[ARENA_CLASSES])
{
	int r = 0;

	memset(a, 0, sizeof(*a));
	for (enum arena_class c = 0; c < ARENA_CLASSES && r == 0; c++)
		r = arena_reserve(a, c, count[c]);
	if (r < 0)
		arena_fini(a);
	return r;
}

void arena_fini(struct arena *a)
{
	for (enum arena_class c = 0; c < ARENA_CLASSES; c++)
		if (a->base[c])
			(void)munmap(a->base[c], a->count[c] * arena_bytes[c]);
	memset(a, 0, sizeof(*a));
}

char *arena_slot(const struct arena *a, enum arena_class class, size_t i)
{
	CHECK(i < a->count[class]);
	return a->base[class] + i * arena_bytes[class];
}
