/*
 * Domains and their keys, case by case; test_mux.c has the long random runs and
 * the policies. The prim is a fake that notes tags.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fake_prim.h"
#include "pkey/mux.h"

enum {
	N = 8
};

static struct keys keys;
static struct domain_mux mux;
static struct domain dom[N];

static char *page_of(unsigned i)
{
	return fake_prim.base + (size_t)i * FAKE_PAGE;
}

static void create(unsigned i)
{
	cr_assert_eq(domain_init(&dom[i], &keys, page_of(i), FAKE_PAGE), 0);
}

static void start(unsigned n_keys)
{
	fake_prim_reset(N);
	fake_prim.free_keys = ((1u << (n_keys + 2)) - 1) << 1;
	cr_assert_eq(keys_init(&keys, &prim_fake), 0);
	domain_mux_init(&mux, &keys);
}

Test(domain, a_new_one_is_parked)
{
	start(2);
	create(0);
	cr_assert_eq(domain_pin(&dom[0]), -1);
	cr_assert_eq(fake_prim_tag(page_of(0)), keys.parked);
	cr_assert_eq(atomic_load(&mux.binds), 0u);
}

Test(domain, a_hit_makes_no_call)
{
	unsigned long tags;

	start(2);
	create(0);
	cr_assert_eq(domain_pins(&dom[0]), 0u);
	cr_assert_eq(domain_bind(&mux, &dom[0]), 0);
	tags = fake_prim.tags;
	for (int i = 0; i < 1000; i++) {
		(void)domain_unpin(&mux, &dom[0], 1);
		cr_assert_eq(domain_pin(&dom[0]), keys.isolate[0]);
		cr_assert_eq(domain_pins(&dom[0]), 1u);
	}
	cr_assert_eq(fake_prim.tags, tags);
}

Test(domain, a_miss_makes_two_calls)
{
	unsigned long tags;

	start(2);
	for (unsigned i = 0; i < 3; i++)
		create(i);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(domain_bind(&mux, &dom[i]), 0);
		(void)domain_unpin(&mux, &dom[i], i);
	}
	tags = fake_prim.tags;
	cr_assert_eq(domain_bind(&mux, &dom[2]), 0);
	cr_assert_eq(fake_prim.tags, tags + 2);
	cr_assert_eq(atomic_load(&mux.retagged), 4u, "two and these two");
	cr_assert_eq(domain_key(&dom[0]), -1);
	cr_assert_eq(domain_key(&dom[1]), keys.isolate[1]);
	cr_assert_eq(domain_key(&dom[2]), keys.isolate[0]);
	cr_assert_eq(mux.slot[0].steals, 1u);
	cr_assert_eq(mux.slot[0].binds, 2u);
}

Test(domain, busy_until_an_unpin_that_tells)
{
	start(2);
	for (unsigned i = 0; i < 3; i++)
		create(i);
	cr_assert_eq(domain_bind(&mux, &dom[0]), 0);
	cr_assert_eq(domain_bind(&mux, &dom[1]), 0);
	cr_assert_not(atomic_load(&mux.wanted));
	cr_assert_eq(domain_bind(&mux, &dom[2]), DOMAIN_E_BUSY);
	cr_assert_eq(atomic_load(&mux.waits), 1u);
	cr_assert(domain_unpin(&mux, &dom[1], 5));
	atomic_store(&mux.wanted, false);
	cr_assert_eq(domain_bind(&mux, &dom[2]), 0);
	cr_assert_eq(domain_key(&dom[1]), -1);
	cr_assert_eq(domain_key(&dom[0]), keys.isolate[0]);
	cr_assert_not(domain_unpin(&mux, &dom[2], 6));
}

Test(domain, failed_park_kills_the_victim_alone)
{
	start(2);
	for (unsigned i = 0; i < 3; i++)
		create(i);
	for (unsigned i = 0; i < 2; i++) {
		(void)domain_bind(&mux, &dom[i]);
		(void)domain_unpin(&mux, &dom[i], i);
	}
	fake_prim.fail_in = 0;
	cr_assert_eq(domain_bind(&mux, &dom[2]), 0);
	cr_assert(domain_dead(&dom[0]));
	cr_assert_eq(domain_pin(&dom[0]), -1);
	cr_assert_eq(domain_bind(&mux, &dom[0]), -EIO);
	cr_assert_eq(domain_release(&mux, &dom[0]), 0);
	cr_assert_eq(domain_key(&dom[2]), keys.isolate[0]);
	cr_assert_eq(atomic_load(&mux.killed), 1u);
}

/* Waiting. ----------------------------------------------------------------- */

/* Domains 0 and 1 hold both keys, pinned; the others are parked. */
static void start_full(void)
{
	start(2);
	for (unsigned i = 0; i < N; i++)
		create(i);
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(domain_bind(&mux, &dom[i]), 0);
}

Test(domain, keys_are_lent_in_the_order_of_the_line)
{
	start_full();
	for (unsigned i = 2; i < 5; i++)
		cr_assert_eq(domain_bind(&mux, &dom[i]), DOMAIN_E_BUSY);
	(void)domain_unpin(&mux, &dom[0], 1);
	cr_assert_eq(domain_bind(&mux, &dom[4]), DOMAIN_E_BUSY);
	cr_assert_eq(domain_bind(&mux, &dom[5]), DOMAIN_E_BUSY);
	cr_assert_eq(domain_bind(&mux, &dom[3]), DOMAIN_E_BUSY);
	cr_assert_eq(domain_bind(&mux, &dom[2]), 0);
	(void)domain_unpin(&mux, &dom[2], 2);
	cr_assert_eq(domain_bind(&mux, &dom[5]), DOMAIN_E_BUSY);
	cr_assert_eq(domain_bind(&mux, &dom[3]), 0);
	cr_assert_eq(atomic_load(&mux.waits), 4u, "each counted once");
}

/* Two workers that pin again at once: the keeper never sees an idle domain. */
Test(domain, a_busy_one_has_to_leave_for_who_waits)
{
	unsigned left = 0;

	start_full();
	cr_assert_eq(domain_bind(&mux, &dom[2]), DOMAIN_E_BUSY);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert(domain_unpin(&mux, &dom[i], i + 1));
		left += domain_pin(&dom[i]) < 0;
	}
	cr_assert_eq(left, 1u, "one and no more makes room");
	cr_assert_eq(domain_bind(&mux, &dom[2]), 0);
}

Test(domain, who_left_stands_in_line_as_well)
{
	start_full();
	cr_assert_eq(domain_bind(&mux, &dom[2]), DOMAIN_E_BUSY);
	(void)domain_unpin(&mux, &dom[0], 1);
	cr_assert_eq(domain_pin(&dom[0]), -1);
	cr_assert_eq(domain_bind(&mux, &dom[0]), DOMAIN_E_BUSY);
	cr_assert_eq(domain_bind(&mux, &dom[2]), 0);
	cr_assert_eq(domain_key(&dom[0]), -1);
	(void)domain_unpin(&mux, &dom[2], 2);
	cr_assert_eq(domain_bind(&mux, &dom[0]), 0);
}

Test(domain, a_further_pin_of_a_leaving_one)
{
	start_full();
	cr_assert_eq(domain_bind(&mux, &dom[2]), DOMAIN_E_BUSY);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_geq(domain_pin(&dom[i]), 0);
		(void)domain_unpin(&mux, &dom[i], 1);
		(void)domain_unpin(&mux, &dom[i], 1);
	}
	cr_assert_eq(domain_bind(&mux, &dom[2]), 0);
}

Test(domain, who_was_to_leave_stays_when_nobody_waits)
{
	start_full();
	cr_assert_eq(domain_bind(&mux, &dom[2]), DOMAIN_E_BUSY);
	cr_assert_eq(domain_release(&mux, &dom[2]), 0);
	for (unsigned i = 0; i < 2; i++) {
		(void)domain_unpin(&mux, &dom[i], 1);
		cr_assert_eq(domain_pin(&dom[i]), keys.isolate[i]);
	}
}

/* The one at the head goes away; those behind it move up. */
static void head_ends(void (*end)(void))
{
	start_full();
	cr_assert_eq(domain_bind(&mux, &dom[2]), DOMAIN_E_BUSY);
	cr_assert_eq(domain_bind(&mux, &dom[3]), DOMAIN_E_BUSY);
	(void)domain_unpin(&mux, &dom[1], 1);
	cr_assert_eq(domain_bind(&mux, &dom[3]), DOMAIN_E_BUSY);
	end();
	cr_assert_eq(domain_bind(&mux, &dom[3]), 0);
}

static void end_released(void)
{
	cr_assert_eq(domain_release(&mux, &dom[2]), 0);
}

static void end_forgotten(void)
{
	domain_forget(&mux, &dom[2]);
}

static void end_killed(void)
{
	fake_prim.fail_in = 0;
	cr_assert_eq(domain_park(&mux, &dom[2]), -ENOMEM);
}

Test(domain, a_released_one_leaves_the_line)
{
	head_ends(end_released);
}

Test(domain, a_forgotten_one_leaves_the_line)
{
	head_ends(end_forgotten);
}

Test(domain, a_killed_one_leaves_the_line)
{
	head_ends(end_killed);
}

/* Runs round after round; whoever holds a key has it in use again at once, so
 * that the keeper never finds an idle one. */
static bool run_once(unsigned i, uint64_t now)
{
	if (domain_pins(&dom[i]))
		(void)domain_unpin(&mux, &dom[i], now);
	return domain_pin(&dom[i]) >= 0 || domain_bind(&mux, &dom[i]) == 0;
}

Test(domain, nobody_starves)
{
	for (enum mux_kind kind = 0; kind < MUX_KINDS; kind++) {
		unsigned last[N] = {0};

		start_full();
		mux_set_policy(&mux, &mux_policies[kind], 1);
		for (unsigned round = 1; round < 10000; round++)
			for (unsigned i = 0; i < N; i++) {
				if (run_once(i, round))
					last[i] = round;
				cr_assert_lt(round - last[i], 2u * N,
					"%s: %u waits since round %u",
					mux_policies[kind].name, i, last[i]);
			}
	}
}

/* Its pages are gone: nobody who still holds the key can reach them. */
Test(domain, a_killed_ones_memory_is_gone, .signal = SIGSEGV)
{
	start(2);
	create(0);
	*(volatile char *)page_of(0) = 1;
	fake_prim.fail_in = 0;
	cr_assert_eq(domain_bind(&mux, &dom[0]), -ENOMEM);
	*(volatile char *)page_of(0) = 1;
}

Test(domain, failed_lend_leaves_the_key_to_others)
{
	start(2);
	create(0);
	create(1);
	fake_prim.fail_in = 0;
	cr_assert_eq(domain_bind(&mux, &dom[0]), -ENOMEM);
	cr_assert(domain_dead(&dom[0]));
	cr_assert_eq(domain_bind(&mux, &dom[1]), 0);
	cr_assert_eq(domain_key(&dom[1]), keys.isolate[0]);
}

Test(domain, failed_release_kills)
{
	start(2);
	create(0);
	cr_assert_eq(domain_bind(&mux, &dom[0]), 0);
	(void)domain_unpin(&mux, &dom[0], 1);
	fake_prim.fail_in = 0;
	cr_assert_eq(domain_release(&mux, &dom[0]), -ENOMEM);
	cr_assert(domain_dead(&dom[0]));
	cr_assert_null(mux.slot[0].owner);
}

Test(domain, init_says_when_it_failed)
{
	start(2);
	fake_prim.fail_in = 0;
	cr_assert_eq(
		domain_init(&dom[0], &keys, page_of(0), FAKE_PAGE), -ENOMEM);
	cr_assert_eq(domain_pin(&dom[0]), -1);
}

Test(domain, init_revives_a_dead_one)
{
	start(2);
	create(0);
	fake_prim.fail_in = 0;
	(void)domain_bind(&mux, &dom[0]);
	create(0);
	cr_assert_not(domain_dead(&dom[0]));
	cr_assert_eq(domain_bind(&mux, &dom[0]), 0);
}

Test(domain, software_is_resident_for_good)
{
	struct domain d;
	struct keys soft;
	struct domain_mux m;

	fake_prim_reset(1);
	cr_assert_eq(keys_init(&soft, &prim_soft), 0);
	domain_mux_init(&m, &soft);
	cr_assert_eq(domain_init(&d, &soft, fake_prim.base, FAKE_PAGE), 0);
	cr_assert_eq(domain_pin(&d), 0);
	cr_assert_eq(domain_bind(&m, &d), 0);
	cr_assert_not(domain_unpin(&m, &d, 1));
	cr_assert_not(domain_unpin(&m, &d, 2));
	cr_assert_eq(domain_release(&m, &d), 0);
	cr_assert_eq(domain_pin(&d), 0);
}

Test(domain, too_many_pins, .signal = SIGILL)
{
	start(2);
	create(0);
	(void)domain_bind(&mux, &dom[0]);
	for (int i = 1; i < 127; i++)
		cr_assert_geq(domain_pin(&dom[0]), 0);
	(void)domain_pin(&dom[0]);
}

Test(domain, unpin_without_a_pin, .signal = SIGILL)
{
	start(2);
	create(0);
	(void)domain_unpin(&mux, &dom[0], 1);
}

Test(domain, release_of_a_pinned_one, .signal = SIGILL)
{
	start(2);
	create(0);
	(void)domain_bind(&mux, &dom[0]);
	(void)domain_release(&mux, &dom[0]);
}
