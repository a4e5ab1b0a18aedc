/* See fake_prim.h. */
#include "fake_prim.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

struct fake_prim fake_prim;

static int fake_key_alloc(bool open)
{
	for (int key = 1; key < PRIM_KEYS; key++) {
		if (!(fake_prim.free_keys & (1u << key)))
			continue;
		fake_prim.free_keys &= ~(1u << key);
		if (open)
			fake_prim.opened |= 1u << key;
		return key;
	}
	return -ENOSPC;
}

static size_t fake_index(const void *addr)
{
	size_t offset = (size_t)((const char *)addr - fake_prim.base);

	CHECK(offset % FAKE_PAGE == 0);
	CHECK(offset / FAKE_PAGE < FAKE_PAGES_MAX);
	return offset / FAKE_PAGE;
}

static int fake_tag(void *addr, size_t len, int prot, int key)
{
	size_t at = fake_index(addr);

	CHECK(len % FAKE_PAGE == 0 && key >= 0 && key < PRIM_KEYS);
	fake_prim.tags++;
	if (fake_prim.fail_in >= 0 && fake_prim.fail_in-- == 0)
		return -fake_prim.fail_errno;
	for (size_t i = 0; i < len / FAKE_PAGE; i++) {
		fake_prim.tag[at + i] = key;
		fake_prim.prot[at + i] = prot;
	}
	return 0;
}

const struct prim prim_fake = {
	.name = "fake",
	.hardware = true,
	.key_alloc = fake_key_alloc,
	.tag = fake_tag,
};

void fake_prim_reset(size_t pages)
{
	char *base = mmap(NULL, pages * FAKE_PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(base != MAP_FAILED && pages <= FAKE_PAGES_MAX);
	memset(&fake_prim, 0, sizeof(fake_prim));
	fake_prim.free_keys = 0xfffe;
	fake_prim.fail_in = -1;
	fake_prim.fail_errno = ENOMEM;
	fake_prim.base = base;
	for (size_t i = 0; i < FAKE_PAGES_MAX; i++)
		fake_prim.tag[i] = FAKE_UNTAGGED;
}

int fake_prim_tag(const void *addr)
{
	return fake_prim.tag[fake_index(addr)];
}
