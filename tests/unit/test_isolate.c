/* The memory of an isolate: its layout and what counts as inside. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake_keeper.h"

enum {
	BYTES = ISOLATE_MIN_BYTES
};

static struct isolate iso;

static void start(size_t mapped)
{
	fake_keeper_start();
	memset(&iso, 0, sizeof(iso));
	iso.worker = &fake_keeper.worker;
	iso.mapped = mapped;
	iso.base = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(iso.base, MAP_FAILED);
	/* As the arena and the keeper leave it. */
	cr_assert_eq(mprotect(iso.base, ISOLATE_GUARD, PROT_NONE), 0);
}

static uint64_t at(size_t offset)
{
	return (uint64_t)iso.base + offset;
}

static const struct inside *inside(void)
{
	return (const void *)iso.ctl;
}

/* Ranges. ------------------------------------------------------------------ */

Test(isolate, contains_itself_without_the_guard)
{
	start(BYTES);
	cr_assert(isolate_contains(&iso, at(ISOLATE_GUARD), 0));
	cr_assert(isolate_contains(
		&iso, at(ISOLATE_GUARD), BYTES - ISOLATE_GUARD));
	cr_assert_not(isolate_contains(
		&iso, at(ISOLATE_GUARD), BYTES - ISOLATE_GUARD + 1));
	cr_assert_not(isolate_contains(&iso, at(ISOLATE_GUARD) - 1, 1));
	cr_assert_not(isolate_contains(&iso, at(0), 1));
	cr_assert_not(isolate_contains(&iso, at(ISOLATE_GUARD) - 1, 0));
}

Test(isolate, contains_the_end_as_an_empty_range)
{
	start(BYTES);
	cr_assert(isolate_contains(&iso, at(BYTES), 0));
	cr_assert_not(isolate_contains(&iso, at(BYTES), 1));
	cr_assert(isolate_contains(&iso, at(BYTES) - 1, 1));
	cr_assert_not(isolate_contains(&iso, at(BYTES) - 1, 2));
	cr_assert_not(isolate_contains(&iso, at(BYTES) + 1, 0));
}

Test(isolate, contains_no_range_that_wraps)
{
	static const uint64_t lens[] = {UINT64_MAX, UINT64_MAX - 1,
		UINT64_MAX - 4095, (uint64_t)1 << 63, ((uint64_t)1 << 63) + 1,
		(uint64_t)1 << 47, (uint64_t)1 << 32};

	start(BYTES);
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		cr_assert_not(
			isolate_contains(&iso, at(ISOLATE_GUARD), lens[i]),
			"%zu", i);
		cr_assert_not(isolate_contains(&iso, at(BYTES), lens[i]));
		/* A range that ends inside after it wrapped round. */
		cr_assert_not(isolate_contains(
			&iso, at(BYTES / 2), 0 - at(BYTES / 2) + 1));
		cr_assert_not(isolate_contains(&iso, 0, lens[i]));
		cr_assert_not(isolate_contains(&iso, UINT64_MAX, lens[i]));
	}
	cr_assert_not(isolate_contains(&iso, 0, 0));
	cr_assert_not(isolate_contains(&iso, UINT64_MAX, 0));
	cr_assert_not(isolate_contains(&iso, UINT64_MAX, 1));
}

Test(isolate, guard_edges)
{
	start(BYTES);
	cr_assert(isolate_in_guard(&iso, at(0)));
	cr_assert(isolate_in_guard(&iso, at(ISOLATE_GUARD) - 1));
	cr_assert_not(isolate_in_guard(&iso, at(ISOLATE_GUARD)));
	cr_assert_not(isolate_in_guard(&iso, at(0) - 1));
	cr_assert_not(isolate_in_guard(&iso, 0));
	cr_assert_not(isolate_in_guard(&iso, UINT64_MAX));
}

Test(isolate, bytes_are_whole_pages)
{
	cr_assert_eq(
		isolate_bytes(ISOLATE_MIN_BYTES), (size_t)ISOLATE_MIN_BYTES);
	cr_assert_eq(isolate_bytes(ISOLATE_MIN_BYTES + 1),
		(size_t)ISOLATE_MIN_BYTES + 4096);
	cr_assert_eq(isolate_bytes(ARENA_BIG_BYTES), ARENA_BIG_BYTES);
}

Test(isolate, hot_pages_are_inside)
{
	char *p;
	size_t len;

	start(BYTES);
	isolate_hot(&iso, &p, &len);
	cr_assert(isolate_contains(&iso, (uint64_t)p, len));
	cr_assert_eq((uint64_t)p % ISOLATE_PAGE, 0u);
	cr_assert_eq(len % ISOLATE_PAGE, 0u);
}

Test(isolate, states_have_names_if_they_have_a_function)
{
	cr_assert_str_eq(isolate_state_name(ISOLATE_BUSY), "busy");
	cr_assert_str_eq(isolate_state_name(ISOLATE_IDLE), "idle");
	cr_assert_str_eq(isolate_state_name(ISOLATE_STARTING), "starting");
	cr_assert_null(isolate_state_name(ISOLATE_RAW));
	cr_assert_null(isolate_state_name(ISOLATE_DYING));
}

/* Layout. ------------------------------------------------------------------ */

/* Everything that struct inside names lies in the isolate, in order. */
static void check_layout(const struct function *fn)
{
	const struct inside *in = inside();
	uint64_t end = at(iso.mapped);

	cr_assert(isolate_contains(&iso, iso.ctl, sizeof(*in)));
	cr_assert_eq(in->stack, at(ISOLATE_GUARD));
	cr_assert_leq(in->stack + in->stack_len, iso.ctl);
	cr_assert(in->gate.rsp > in->stack &&
		  in->gate.rsp < in->stack + in->stack_len);
	/* Seven words are popped; a function then begins at 8 mod 16. */
	cr_assert_eq((in->gate.rsp + 56) % 16, 0u);
	cr_assert_geq(iso.window, iso.ctl + sizeof(*in));
	cr_assert_geq(in->code, iso.window + ISOLATE_WINDOW);
	cr_assert_eq(in->code_len, fn->code_len);
	cr_assert_str_eq((const char *)in->code, fn->code);
	cr_assert_gt(in->heap, in->code + in->code_len);
	cr_assert_eq(in->heap % 64, 0u);
	cr_assert_eq(in->heap + in->heap_len, end);
	cr_assert_geq(in->heap_len, 3000u);
}

Test(isolate, layout)
{
	struct function *fn = NULL;

	start(BYTES);
	fn = fake_function("f", 1, BYTES, "return 1");
	fn->version = 7;
	cr_assert(isolate_layout(&iso, fn));
	cr_assert_eq(iso.fn, fn);
	cr_assert_not(iso.loaded);
	check_layout(fn);
	cr_assert_eq(inside()->version, 7u);
	cr_assert_eq(inside()->memory_limit, (uint64_t)BYTES);
	cr_assert_str_eq(inside()->tenant, "t");
	cr_assert_str_eq(inside()->function, "f");
	cr_assert_str_eq(inside()->entry, "handler");
	cr_assert_neq(inside()->seed[0], 0);
}

Test(isolate, two_lives_have_two_seeds)
{
	struct function *fn = NULL;
	uint8_t first;

	start(BYTES);
	fn = fake_function("f", 1, BYTES, "");
	cr_assert(isolate_layout(&iso, fn));
	first = inside()->seed[0];
	cr_assert(isolate_layout(&iso, fn));
	cr_assert_neq(inside()->seed[0], first);
}

/* The longest code that fits, found by trying, leaves room for a heap. */
Test(isolate, code_that_does_not_fit)
{
	size_t fits = 0, fails = 2 * BYTES;
	char *code = malloc(2 * BYTES + 1);

	start(BYTES);
	while (fails - fits > 1) {
		size_t len = (fits + fails) / 2;
		struct function *fn;

		memset(code, 'x', len);
		code[len] = '\0';
		fn = fake_function("f", 1, BYTES, code);
		if (isolate_layout(&iso, fn)) {
			check_layout(fn);
			fits = len;
		} else {
			fails = len;
		}
		function_put(fn);
		(void)msg_run_all(inbox_take(&fake_keeper.inbox));
	}
	cr_assert_gt(fits, 300000u);
	cr_assert_lt(fits, (size_t)BYTES - ISOLATE_GUARD - ISOLATE_STACK);
	free(code);
}
