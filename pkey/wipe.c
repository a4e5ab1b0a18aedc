/*
 * At the limit of mappings a new one may not even replace others, while taking
 * them away always goes: it only makes fewer. Another thread's mapping may then
 * be faster to the place; it keeps it. Trusted side.
 */
#include "pkey/wipe.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "pkey/domain.h"

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

void wipe_zero(void *at, size_t len)
{
	const uintptr_t page = DOMAIN_PAGE;
	char *begin = at, *end = begin + len;
	char *from = (char *)(((uintptr_t)begin + page - 1) & -page);
	char *to = (char *)((uintptr_t)end & -page);

	if (from >= to || madvise(from, (size_t)(to - from), MADV_DONTNEED))
		from = to = end;
	memset(begin, 0, (size_t)(from - begin));
	memset(to, 0, (size_t)(end - to));
}
