/*
 * The seam on a machine without protection keys: memory gets its access rights
 * and no key. What keeps isolates apart then is the engine alone.
 */
#include <sys/mman.h>

#include "base/err.h"
#include "pkey/prim.h"

static int soft_key_alloc(bool open)
{
	(void)open;
	return -ENOSPC;
}

static int soft_tag(void *addr, size_t len, int prot, int key)
{
	(void)key;
	return mprotect(addr, len, prot) == 0 ? 0 : err_errno();
}

const struct prim prim_soft = {
	.name = "software",
	.hardware = false,
	.key_alloc = soft_key_alloc,
	.tag = soft_tag,
};
