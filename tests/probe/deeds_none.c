/* No system calls, U: code with their bytes is refused by default. */
#include "tests/probe/deeds.h"

uint64_t deeds_syscall(uint64_t nr)
{
	return nr;
}

uint64_t deeds_int80(uint64_t nr)
{
	return nr;
}
