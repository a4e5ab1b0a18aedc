/* The inventory of keys and the PKRU values made from it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

#include "fake_prim.h"
#include "pkey/keys.h"

/* What PKRU says of a key, by the architecture: bit 2k, bit 2k+1. */
static bool reads(uint32_t pkru, int key)
{
	return !(pkru >> (2 * key) & 1);
}

static bool writes(uint32_t pkru, int key)
{
	return reads(pkru, key) && !(pkru >> (2 * key + 1) & 1);
}

static struct keys take(unsigned free_keys)
{
	struct keys keys;

	fake_prim_reset(1);
	fake_prim.free_keys = free_keys;
	cr_assert_eq(keys_init(&keys, &prim_fake), 0);
	return keys;
}

Test(keys, takes_all_there_are)
{
	struct keys keys = take(0xfffe);

	cr_assert_eq(fake_prim.free_keys, 0u);
	cr_assert_eq(keys.n_isolate, 13u);
	cr_assert_eq(keys.prim, &prim_fake);
	/* Only S is born open: constants stand there. */
	cr_assert_eq(fake_prim.opened, 1u << keys.shared);
}

static void check_distinct(const struct keys *keys)
{
	unsigned seen = 1u << keys->shared | 1u << keys->parked;

	cr_assert_neq(keys->shared, keys->parked);
	for (unsigned i = 0; i < keys->n_isolate; i++) {
		cr_assert_not(seen & (1u << keys->isolate[i]));
		seen |= 1u << keys->isolate[i];
	}
	cr_assert_not(seen & 1, "key 0 belongs to nobody");
}

Test(keys, some_belong_to_somebody_else)
{
	struct keys keys = take(0xfffe & ~(1u << 1) & ~(1u << 7));

	cr_assert_eq(keys.n_isolate, 11u);
	check_distinct(&keys);
	for (unsigned i = 0; i < keys.n_isolate; i++)
		cr_assert(keys.isolate[i] != 1 && keys.isolate[i] != 7);
}

Test(keys, every_set_of_free_keys)
{
	for (unsigned set = 0; set < 1u << 15; set++) {
		unsigned n = (unsigned)__builtin_popcount(set);
		struct keys keys;
		int r;

		fake_prim.free_keys = set << 1;
		r = keys_init(&keys, &prim_fake);
		cr_assert_eq(r, n >= 2 + KEYS_MIN_ISOLATE ? 0 : -ENOSPC,
			"set %x", set);
		if (r == 0) {
			cr_assert_eq(keys.n_isolate, n - 2);
			check_distinct(&keys);
		}
	}
}

Test(keys, software_has_none)
{
	struct keys keys;

	cr_assert_eq(keys_init(&keys, &prim_soft), 0);
	cr_assert_eq(keys.n_isolate, 0u);
	cr_assert_eq(keys.shared, 0);
	cr_assert_eq(keys.parked, 0);
}

Test(keys, trusted_value)
{
	struct keys keys = take(0xfffe);
	uint32_t t = keys_pkru_trusted(&keys);

	for (int k = 0; k < PRIM_KEYS; k++) {
		bool open = k == 0 || k == keys.shared;

		cr_assert_eq(reads(t, k), open, "key %d", k);
		cr_assert_eq(writes(t, k), open, "key %d", k);
	}
}

Test(keys, isolate_values)
{
	struct keys keys = take(0xfffe);
	uint32_t denied = keys_pkru_denied(&keys);

	for (unsigned i = 0; i < keys.n_isolate; i++) {
		int own = keys.isolate[i];
		uint32_t u = keys_pkru_isolate(&keys, own);

		for (int k = 0; k < PRIM_KEYS; k++) {
			cr_assert_eq(reads(u, k), k == own || k == keys.shared,
				"key %d", k);
			cr_assert_eq(writes(u, k), k == own, "key %d", k);
		}
		/* What the gate checks after WRPKRU. */
		cr_assert_eq(u & denied, denied);
	}
}

Test(keys, copy_values)
{
	struct keys keys = take(0xfffe);

	for (unsigned i = 0; i < keys.n_isolate; i++) {
		int own = keys.isolate[i];
		uint32_t c = keys_pkru_copy(&keys, own);

		for (int k = 0; k < PRIM_KEYS; k++) {
			bool open = k == own || k == 0 || k == keys.shared;

			cr_assert_eq(reads(c, k), open, "key %d", k);
			cr_assert_eq(writes(c, k), open, "key %d", k);
		}
	}
}

/* What the gate refuses: any value that opens 0 or P or lets S be written. */
Test(keys, denied_bits_turn_away_the_trusted_values)
{
	struct keys keys = take(0xfffe);
	uint32_t denied = keys_pkru_denied(&keys);

	cr_assert_neq(keys_pkru_trusted(&keys) & denied, denied);
	cr_assert_neq(keys_pkru_copy(&keys, keys.isolate[0]) & denied, denied);
	cr_assert_neq(0u & denied, denied);
	cr_assert_eq(__builtin_popcount(denied), 3);
}

Test(keys, no_value_for_key_0, .signal = SIGILL)
{
	struct keys keys = take(0xfffe);

	(void)keys_pkru_isolate(&keys, PRIM_KEY_TRUSTED);
}

Test(keys, no_value_for_shared, .signal = SIGILL)
{
	struct keys keys = take(0xfffe);

	(void)keys_pkru_isolate(&keys, keys.shared);
}

Test(keys, no_value_for_parked, .signal = SIGILL)
{
	struct keys keys = take(0xfffe);

	(void)keys_pkru_isolate(&keys, keys.parked);
}

Test(keys, nobody_copies_parked_memory, .signal = SIGILL)
{
	struct keys keys = take(0xfffe);

	(void)keys_pkru_copy(&keys, keys.parked);
}
