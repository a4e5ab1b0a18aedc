/*
 * Domains and the key multiplexer, against a model that says in plain words
 * what domain.h promises. The prim is a fake that notes tags.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fake_prim.h"
#include "pkey/domain.h"

enum {
	N = 40,
	STEPS = 400000
};

static struct keys keys;
static struct domain_mux mux;
static struct domain dom[N];
static uint64_t now;

/* What a domain should be. */
static struct model {
	bool exists;
	bool dead;
	int key; /* -1: parked */
	unsigned pins;
	uint64_t used;
} model[N];

static char *page_of(unsigned i)
{
	return fake_prim.base + (size_t)i * FAKE_PAGE;
}

static void create(unsigned i)
{
	cr_assert_eq(domain_init(&dom[i], &keys, page_of(i), FAKE_PAGE), 0);
	model[i] = (struct model){.exists = true, .key = -1};
}

static void start(unsigned n_keys)
{
	fake_prim_reset(N);
	fake_prim.free_keys = ((1u << (n_keys + 2)) - 1) << 1;
	cr_assert_eq(keys_init(&keys, &prim_fake), 0);
	domain_mux_init(&mux, &keys);
	memset(model, 0, sizeof(model));
	now = 0;
}

/* Who holds key k by the model; NULL: nobody. */
static const struct model *holder(int key)
{
	for (unsigned i = 0; i < N; i++)
		if (model[i].exists && model[i].key == key)
			return &model[i];
	return NULL;
}

static bool any_key_free(void)
{
	for (unsigned i = 0; i < keys.n_isolate; i++)
		if (!holder(keys.isolate[i]))
			return true;
	return false;
}

/* The time of the least recent use among those that may lose their key;
 * UINT64_MAX: all are pinned. */
static uint64_t lru_used(void)
{
	uint64_t used = UINT64_MAX;

	for (unsigned i = 0; i < N; i++)
		if (model[i].exists && model[i].key >= 0 &&
			model[i].pins == 0 && model[i].used < used)
			used = model[i].used;
	return used;
}

static void check_one(unsigned i)
{
	const struct model *m = &model[i];

	cr_assert_eq(domain_dead(&dom[i]), m->dead, "domain %u", i);
	cr_assert_eq(domain_key(&dom[i]), m->key, "domain %u", i);
	if (m->dead)
		return;
	cr_assert_eq(fake_prim_tag(page_of(i)),
		m->key < 0 ? keys.parked : m->key, "domain %u", i);
}

static void check_all(void)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < N; i++) {
		if (!model[i].exists)
			continue;
		check_one(i);
		if (model[i].key < 0)
			continue;
		cr_assert_not(seen & (1u << model[i].key),
			"key %d has two domains", model[i].key);
		seen |= 1u << model[i].key;
	}
	for (unsigned i = 0; i < keys.n_isolate; i++) {
		const struct domain *o = mux.slot[i].owner;
		const struct model *m = holder(keys.isolate[i]);

		cr_assert_eq(mux.slot[i].key, keys.isolate[i]);
		cr_assert_eq(o != NULL, m != NULL);
		cr_assert(!o || m == &model[o - dom]);
	}
}

/* The model's view of a bind that lends key `got`, or -1. */
static void model_lend(unsigned i, int got)
{
	struct model *old = (struct model *)holder(got);

	cr_assert_neq(got, -1);
	if (old) {
		cr_assert_not(any_key_free());
		cr_assert_eq(old->pins, 0u, "a pinned domain lost its key");
		cr_assert_eq(old->used, lru_used(), "not the oldest");
		old->key = -1;
	}
	model[i].key = got;
	model[i].pins = 1;
}

static void do_bind(unsigned i)
{
	bool possible = any_key_free() || lru_used() != UINT64_MAX;
	int r;

	if (model[i].dead) {
		cr_assert_eq(domain_bind(&mux, &dom[i]), -EIO);
		return;
	}
	if (model[i].key >= 0) {
		if (model[i].pins == 2)
			return;
		cr_assert_eq(domain_bind(&mux, &dom[i]), 0);
		model[i].pins++;
		return;
	}
	r = domain_bind(&mux, &dom[i]);
	cr_assert_eq(r, possible ? 0 : DOMAIN_E_BUSY);
	if (r == 0)
		model_lend(i, domain_key(&dom[i]));
	else
		cr_assert(atomic_load(&mux.wanted));
}

static void do_pin(unsigned i)
{
	int r;

	if (model[i].pins == 2)
		return;
	r = domain_pin(&dom[i]);
	cr_assert_eq(r, model[i].dead ? -1 : model[i].key);
	if (r >= 0)
		model[i].pins++;
}

static void do_unpin(unsigned i)
{
	bool wanted = atomic_load(&mux.wanted);

	if (model[i].pins == 0)
		return;
	cr_assert_eq(domain_unpin(&mux, &dom[i], ++now), wanted);
	model[i].pins--;
	model[i].used = now;
}

static void do_release(unsigned i)
{
	if (model[i].pins)
		return;
	cr_assert_eq(domain_release(&mux, &dom[i]), 0);
	model[i].key = -1;
}

static void step(unsigned i)
{
	unsigned what = (unsigned)(rand() % 100);

	if (!model[i].exists)
		create(i);
	else if (what < 30)
		do_bind(i);
	else if (what < 50)
		do_pin(i);
	else if (what < 92)
		do_unpin(i);
	else if (what < 95)
		do_release(i);
	else if (what < 97 && model[i].pins == 0 && model[i].key < 0)
		create(i); /* as after a recycled slot was mapped anew */
	else if (what < 98)
		atomic_store(&mux.wanted, false);
}

static void play(unsigned n_keys, unsigned seed, unsigned steps)
{
	start(n_keys);
	srand(seed);
	for (unsigned s = 0; s < steps; s++) {
		step((unsigned)rand() % N);
		check_all();
	}
}

Test(domain, random_13_keys)
{
	play(13, 1, STEPS);
	cr_assert_gt(atomic_load(&mux.evictions), 1000u);
	cr_assert_gt(atomic_load(&mux.waits), 100u);
}

Test(domain, random_2_keys)
{
	play(2, 2, STEPS);
	cr_assert_gt(atomic_load(&mux.waits), 1000u);
}

/* As above with a tag() that fails now and then: whom it hits is killed, and
 * nobody else notices. */
static void model_kill(unsigned i)
{
	model[i].dead = true;
	model[i].key = -1;
	model[i].pins = 0;
}

/* Finds out which domain a failed call killed, if any; it must be the newcomer
 * or one that was to lose its key. */
static void model_killed(unsigned newcomer)
{
	for (unsigned i = 0; i < N; i++) {
		if (!model[i].exists || model[i].dead || !domain_dead(&dom[i]))
			continue;
		cr_assert_eq(model[i].pins, 0u, "killed while pinned");
		cr_assert(i == newcomer ||
			  (model[i].used == lru_used() && model[i].key >= 0));
		model_kill(i);
	}
}

static void step_failing(unsigned i)
{
	unsigned what = (unsigned)(rand() % 4);
	int r;

	if (!model[i].exists)
		create(i);
	if (rand() % 8 == 0)
		fake_prim.fail_in = rand() % 3;
	if (what == 0 && !model[i].dead && model[i].pins < 2) {
		int had = model[i].key;

		r = domain_bind(&mux, &dom[i]);
		model_killed(i);
		if (r == 0 && had < 0)
			model_lend(i, domain_key(&dom[i]));
		else if (r == 0)
			model[i].pins++;
		else if (r < 0) {
			cr_assert(domain_dead(&dom[i]));
			/* The one evicted for it lost its key all the same. */
			for (unsigned j = 0; j < N; j++)
				if (model[j].exists && model[j].pins == 0)
					model[j].key = domain_key(&dom[j]);
		}
	} else if (what == 1 && model[i].pins == 0) {
		r = domain_release(&mux, &dom[i]);
		cr_assert_eq(r < 0, domain_dead(&dom[i]) && !model[i].dead);
		if (r < 0)
			model_kill(i);
		model[i].key = -1;
	} else if (what >= 2) {
		do_unpin(i);
	}
	fake_prim.fail_in = -1;
	if (model[i].dead && rand() % 4 == 0)
		create(i);
}

Test(domain, random_with_failing_tags)
{
	for (unsigned n_keys = 2; n_keys <= 13; n_keys += 11) {
		start(n_keys);
		srand(n_keys);
		for (unsigned s = 0; s < STEPS / 4; s++) {
			step_failing((unsigned)rand() % N);
			check_all();
		}
		cr_assert_gt(atomic_load(&mux.killed), 100u);
	}
}

/* Named cases. ------------------------------------------------------------- */

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
	cr_assert_eq(domain_bind(&mux, &dom[0]), 0);
	tags = fake_prim.tags;
	for (int i = 0; i < 1000; i++) {
		(void)domain_unpin(&mux, &dom[0], 1);
		cr_assert_eq(domain_pin(&dom[0]), keys.isolate[0]);
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
