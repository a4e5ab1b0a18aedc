/*
 * Inventory of protection keys and the PKRU values made from it. Pure but for
 * key_alloc; first thread only.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "pkey/keys.h"

static uint32_t deny_access(int key)
{
	return 1u << (2 * key);
}

static uint32_t deny_write(int key)
{
	return 2u << (2 * key);
}

static uint32_t deny_all(void)
{
	return 0x55555555u;
}

int keys_init(struct keys *keys, const struct prim *prim)
{
	int key;

	memset(keys, 0, sizeof(*keys));
	keys->prim = prim;
	if (!prim->hardware)
		return 0;
	/* S is opened by its very allocation: this thread reads its constants
	 * from pages that are about to get that key. */
	keys->shared = prim->key_alloc(true);
	keys->parked = prim->key_alloc(false);
	if (keys->shared < 0 || keys->parked < 0)
		return -ENOSPC;
	while ((key = prim->key_alloc(false)) >= 0) {
		CHECK(keys->n_isolate < PRIM_KEYS);
		keys->isolate[keys->n_isolate++] = key;
	}
	return keys->n_isolate >= KEYS_MIN_ISOLATE ? 0 : -ENOSPC;
}

uint32_t keys_pkru_trusted(const struct keys *keys)
{
	return deny_all() & ~deny_access(PRIM_KEY_TRUSTED) &
	       ~deny_access(keys->shared);
}

uint32_t keys_pkru_isolate(const struct keys *keys, int key)
{
	CHECK(key != PRIM_KEY_TRUSTED && key != keys->shared &&
		key != keys->parked);
	return (deny_all() & ~deny_access(key) & ~deny_access(keys->shared)) |
	       deny_write(keys->shared);
}

uint32_t keys_pkru_copy(const struct keys *keys, int key)
{
	CHECK(key != keys->parked);
	return keys_pkru_trusted(keys) & ~deny_access(key);
}

uint32_t keys_pkru_denied(const struct keys *keys)
{
	return deny_access(PRIM_KEY_TRUSTED) | deny_access(keys->parked) |
	       deny_write(keys->shared);
}
