/* Address space for isolates. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "core/arena.h"

#define MIB ((size_t)1 << 20)

Test(arena, classes)
{
	cr_assert_eq(arena_class_of(0), ARENA_COMMON);
	cr_assert_eq(arena_class_of(ARENA_COMMON_BYTES), ARENA_COMMON);
	cr_assert_eq(arena_class_of(ARENA_COMMON_BYTES + 1), ARENA_BIG);
	cr_assert_eq(arena_class_of(ARENA_BIG_BYTES), ARENA_BIG);
	cr_assert_eq(arena_class_of(ARENA_BIG_BYTES + 1), ARENA_CLASSES);
	cr_assert_eq(arena_class_of(SIZE_MAX), ARENA_CLASSES);
	cr_assert_eq(arena_slot_bytes(ARENA_COMMON), ARENA_COMMON_BYTES);
	cr_assert_eq(arena_slot_bytes(ARENA_BIG), ARENA_BIG_BYTES);
}

Test(arena, slots_are_apart_aligned_and_usable)
{
	const size_t count[ARENA_CLASSES] = {300, 3};
	struct arena a;

	cr_assert_eq(arena_init(&a, count), 0);
	for (enum arena_class c = 0; c < ARENA_CLASSES; c++)
		for (size_t i = 0; i < count[c]; i++) {
			char *slot = arena_slot(&a, c, i);
			char *end = slot + arena_slot_bytes(c) - 4096;

			cr_assert_eq((uintptr_t)slot % (2 * MIB), 0u);
			cr_assert_eq(slot,
				arena_slot(&a, c, 0) + i * arena_slot_bytes(c));
			cr_assert_eq(
				mprotect(slot, 4096, PROT_READ | PROT_WRITE),
				0);
			cr_assert_eq(
				mprotect(end, 4096, PROT_READ | PROT_WRITE), 0);
			*slot = 1;
			end[4095] = 1;
		}
	arena_fini(&a);
	arena_fini(&a);
	cr_assert_null(a.base[ARENA_COMMON]);
}

Test(arena, holds_hundreds_of_thousands)
{
	const size_t count[ARENA_CLASSES] = {400000, 64};
	struct arena a;

	cr_assert_eq(arena_init(&a, count), 0);
	cr_assert_not_null(arena_slot(&a, ARENA_COMMON, 399999));
	arena_fini(&a);
}

Test(arena, more_than_there_is_fails_and_leaves_nothing)
{
	const size_t too_many[] = {(size_t)1 << 23, (size_t)1 << 38,
		SIZE_MAX / ARENA_COMMON_BYTES, SIZE_MAX};

	for (size_t i = 0; i < sizeof(too_many) / sizeof(*too_many); i++) {
		const size_t count[ARENA_CLASSES] = {1, too_many[i]};
		const size_t other[ARENA_CLASSES] = {too_many[i], 1};
		struct arena a;

		cr_assert_eq(arena_init(&a, count), -ENOMEM, "%zu", i);
		cr_assert_null(a.base[ARENA_COMMON]);
		cr_assert_eq(arena_init(&a, other), -ENOMEM, "%zu", i);
	}
}

Test(arena, untouched_slots_are_shut, .signal = SIGSEGV)
{
	const size_t count[ARENA_CLASSES] = {1, 1};
	struct arena a;

	cr_assert_eq(arena_init(&a, count), 0);
	*(volatile char *)arena_slot(&a, ARENA_COMMON, 0) = 1;
}

Test(arena, no_slot_past_the_end, .signal = SIGILL)
{
	const size_t count[ARENA_CLASSES] = {2, 1};
	struct arena a;

	cr_assert_eq(arena_init(&a, count), 0);
	(void)arena_slot(&a, ARENA_COMMON, 2);
}
