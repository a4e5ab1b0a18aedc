/* Taking memory away, with mappings to spare and without. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include "pkey/wipe.h"

enum {
	PAGE = 4096,
	PAGES = 6,
	MANY = 300000, /* mappings: more than the usual limit */
};

static char *reserve(size_t pages)
{
	char *at = mmap(NULL, pages * PAGE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	cr_assert_neq(at, MAP_FAILED);
	return at;
}

/* Six pages that are three mappings. */
static char *pieces(void)
{
	char *at = reserve(PAGES);

	cr_assert_eq(mprotect(at + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE), 0);
	cr_assert_eq(mprotect(at + 3 * PAGE, PAGE, PROT_READ), 0);
	at[PAGE] = 1;
	return at;
}

static void is_gone(const char *at)
{
	const size_t len = (size_t)PAGES * PAGE;

	cr_assert_eq(wipe_range((void *)at, len), 0);
	/* Its place is taken, by what is as at first. */
	cr_assert_eq(mmap((void *)at, len, PROT_READ,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			     -1, 0),
		MAP_FAILED);
	cr_assert_eq(mprotect((void *)at, len, PROT_READ), 0);
	cr_assert_eq(at[PAGE], 0);
}

Test(wipe, memory_is_gone_and_its_place_kept)
{
	is_gone(pieces());
}

/* The sanitizers handle the signal, and want mappings of their own. */
#ifndef GV_SANITIZED
Test(wipe, what_is_left_can_not_be_touched, .signal = SIGSEGV)
{
	volatile char *at = pieces();

	(void)wipe_range((void *)at, (size_t)PAGES * PAGE);
	at[PAGE] = 1;
}

/* A mapping may be added where there are as many as allowed; then there is one
 * more, and none may be made at all. */
Test(wipe, where_no_mapping_may_be_made, .timeout = 60)
{
	char *many = reserve(MANY), *at = pieces();
	size_t i = 0;

	while (i < MANY && mprotect(many + i * PAGE, PAGE, PROT_READ) == 0)
		i += 2;
	if (i >= MANY)
		cr_skip("more mappings are allowed than this test makes");
	while (mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) !=
		MAP_FAILED)
		;
	cr_assert_eq(mmap(at, (size_t)PAGES * PAGE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		MAP_FAILED, "the limit is not passed");
	is_gone(at);
}
#endif

/* What lies beside it on the same pages stays. */
Test(wipe, zero_to_the_byte)
{
	enum {
		SIZE = 5 * 4096
	};
	static const size_t cases[][2] = {{0, SIZE}, {100, 3 * 4096},
		{4096, 4096}, {4000, 50}, {4095, 4098}, {7, 0}};
	unsigned char *m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(m != MAP_FAILED);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t from = cases[i][0], to = from + cases[i][1];

		memset(m, 0xff, SIZE);
		wipe_zero(m + from, to - from);
		for (size_t at = 0; at < SIZE; at++)
			cr_assert_eq(m[at], at >= from && at < to ? 0 : 0xff);
	}
}
