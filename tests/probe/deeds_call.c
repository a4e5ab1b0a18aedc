/* System calls by hand, U. Only code with these bytes in it has this. */
#include "tests/probe/deeds.h"

uint64_t deeds_syscall(uint64_t nr)
{
	uint64_t r = nr;

	__asm__ volatile("syscall"
			 : "+a"(r)
			 : "D"(0), "S"(0), "d"(0)
			 : "rcx", "r11", "memory");
	return r;
}

uint64_t deeds_int80(uint64_t nr)
{
	uint64_t r = nr;

	__asm__ volatile("int $0x80"
			 : "+a"(r)
			 :
			 : "r8", "r9", "r10", "r11", "memory");
	return r;
}
