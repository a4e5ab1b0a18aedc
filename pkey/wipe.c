/*
 * At the limit of mappings a new one may not even replace others, while taking
 * them away always goes: it only makes fewer. Another thread's mapping may then
 * be faster to the place; it keeps it. Trusted side.
 */
#include "pkey/wipe.h"

#include <sys/mman.h>

#include "base/err.h"

int wipe_range(void *at, size_t len)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	if (mmap(at, len, PROT_NONE, flags | MAP_FIXED, -1, 0) == at)
		return 0;
	if (munmap(at, len) != 0)
		return err_errno();
	if (mmap(at, len, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0) == at)
		return 0;
	return -EEXIST;
}
