#pragma once
/*
 * Which register state the kernel lets programs use: XCR0. Source: Intel SDM
 * volume 1, 13.3 and 13.5.
 */
#include <cpuid.h>
#include <stdint.h>

enum {
	XCR0_AVX = 0x6,	    /* SSE and the upper halves */
	XCR0_AVX512 = 0xe6, /* masks, ZMM */
	XCR0_AMX = 0x60000, /* tile configuration and data */
	/* All that the gate clears; x87; PKRU; and MPX, whose instructions do
	 * nothing until an XRSTOR, which nobody has, turns them on. */
	XCR0_KNOWN = 0x602ff
};

/* 0 where XSAVE is off. */
static inline uint64_t xcr0_read(void)
{
	unsigned a, b, c, d;
	uint32_t lo, hi;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return 0;
	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}
