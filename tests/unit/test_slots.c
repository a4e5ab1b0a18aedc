/* Slots that are in no use, and blocks of them given back (core/slots.h). */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/arena.h"
#include "fake_keeper.h"

enum {
	BLOCKS = 4,
	COUNT = BLOCKS * SLOTS_BLOCK + 5,
};

static struct arena arena;
static struct isolate all[COUNT], *taken[COUNT];
static struct slots slots;

static void start(void)
{
	size_t count[ARENA_CLASSES] = {[ARENA_COMMON] = COUNT};

	fake_keeper_start();
	cr_assert_eq(arena_init(&arena, count), 0);
	memset(all, 0, sizeof(all));
	slots = (struct slots){.worker = &fake_keeper.worker,
		.arena = &arena,
		.class = ARENA_COMMON,
		.count = COUNT};
	cr_assert_eq(slots_init(&slots, all), 0);
}

static void end(void)
{
	slots_fini(&slots);
	arena_fini(&arena);
}

TestSuite(slots, .init = start, .fini = end);

static void take(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct isolate *iso = slots_take(&slots);

		cr_assert(iso && iso->state == ISOLATE_RAW);
		cr_assert_eq(iso->base,
			arena_slot(&arena, ARENA_COMMON, (size_t)(iso - all)));
		/* Nobody else has it. */
		iso->state = ISOLATE_BUSY;
		taken[i] = iso;
	}
}

static void put(size_t n, uint64_t now)
{
	fake_keeper.worker.now = now;
	for (size_t i = 0; i < n; i++)
		slots_put(&slots, taken[i]);
}

/* The keeper does what was asked for. */
static void errand(void)
{
	struct msg *msg = fake_keeper.posted;

	cr_assert(msg);
	fake_keeper.posted = NULL;
	msg->run(msg);
}

/* Everything that can go, goes; the number of blocks. */
static unsigned give_back(uint64_t now)
{
	unsigned n = 0;

	for (; slots_give_back(&slots, now) == UINT64_MAX; n++) {
		if (!fake_keeper.posted)
			break;
		errand();
	}
	return n;
}

Test(slots, each_once_and_no_more)
{
	take(COUNT);
	cr_assert_null(slots_take(&slots));
	cr_assert_not(slots_left(&slots));
	put(1, 1);
	cr_assert(slots_left(&slots));
	cr_assert_eq(slots_take(&slots), taken[0]);
}

Test(slots, what_nobody_wants_goes_back_after_a_while)
{
	take(3 * SLOTS_BLOCK);
	put(3 * SLOTS_BLOCK, 1000);
	cr_assert_eq(slots_give_back(&slots, 1000), 1000 + SLOTS_KEPT_NS);
	cr_assert_null(fake_keeper.posted);
	cr_assert_eq(give_back(1000 + SLOTS_KEPT_NS), 2u);
	cr_assert_eq(fake_keeper.blanked, 2u * SLOTS_BLOCK);
	cr_assert_eq(slots_give_back(&slots, UINT64_MAX - 1), UINT64_MAX);
	/* The first block never. */
	cr_assert_eq(all[0].magic, ISOLATE_MAGIC);
	cr_assert_eq(all[SLOTS_BLOCK].magic, 0u);
	/* They are as good as new, and not one is lost. */
	take(COUNT);
	cr_assert_null(slots_take(&slots));
	put(COUNT, 2000);
	cr_assert_eq(give_back(UINT64_MAX - 1), BLOCKS - 1u);
	take(COUNT);
	cr_assert_null(slots_take(&slots));
}

Test(slots, one_in_use_keeps_its_block)
{
	take(2 * SLOTS_BLOCK);
	put(2 * SLOTS_BLOCK - 1, 1);
	cr_assert_eq(slots_give_back(&slots, UINT64_MAX - 1), UINT64_MAX);
	cr_assert_null(fake_keeper.posted);
	slots_put(&slots, taken[2 * SLOTS_BLOCK - 1]);
	cr_assert_eq(give_back(UINT64_MAX - 1), 1u);
}

Test(slots, one_taken_again_stays)
{
	take(2 * SLOTS_BLOCK);
	put(2 * SLOTS_BLOCK, 1);
	/* The last that came back: of the second block. */
	cr_assert_eq(slots_take(&slots), taken[2 * SLOTS_BLOCK - 1]);
	cr_assert_eq(slots_give_back(&slots, UINT64_MAX - 1), UINT64_MAX);
	cr_assert_null(fake_keeper.posted);
}

Test(slots, while_they_are_away_the_others_are_there)
{
	take(COUNT);
	put(COUNT, 1);
	cr_assert_eq(slots_give_back(&slots, UINT64_MAX - 1), UINT64_MAX);
	cr_assert_eq(fake_keeper.core.pool.n_out, 1u);
	/* One block at a time. */
	cr_assert_eq(slots_give_back(&slots, UINT64_MAX - 1), UINT64_MAX);
	take(COUNT - SLOTS_BLOCK);
	cr_assert_null(slots_take(&slots));
	cr_assert_not(slots_left(&slots));
	errand();
	cr_assert_eq(fake_keeper.core.pool.n_out, 0u);
	cr_assert_eq(fake_keeper.waiting_calls, 1u);
	take(SLOTS_BLOCK);
	cr_assert_null(slots_take(&slots));
}

Test(slots, what_is_not_clean_stays_out_of_use)
{
	take(COUNT);
	put(COUNT, 1);
	fake_keeper.blank_result = -ENOMEM;
	(void)slots_give_back(&slots, UINT64_MAX - 1);
	errand();
	fake_keeper.blank_result = 0;
	cr_assert_eq(give_back(UINT64_MAX - 1), BLOCKS - 2u);
	take(COUNT - SLOTS_BLOCK);
	cr_assert_null(slots_take(&slots));
}
