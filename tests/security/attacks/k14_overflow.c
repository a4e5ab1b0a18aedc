/*
 * A stack that runs over: calls without end, and one frame that leaps over any
 * guard page. Below the isolate's memory, here without a guard, is the trusted
 * heap: the key alone holds.
 */
#include "tests/security/attack.h"
#include "tests/security/touch.h"

enum {
	LEAP = 96 << 10
};

/* U. */
static __attribute__((noinline)) uint64_t deeper(uint64_t n)
{
	volatile char room[256];

	room[n % sizeof(room)] = 0x41;
	return n ? deeper(n - 1) + (uint64_t)room[0] : 0;
}

static void recurse(struct box_attack *a)
{
	(void)a;
	box_got(deeper(1 << 10));
}

/* U. */
static void leap(struct box_attack *a)
{
	__asm__ volatile("mov %%rsp, %%r8\n\tsub %0, %%rsp\n\tpush $0x41\n\t"
			 "mov %%r8, %%rsp"
			 :
			 : "r"((uint64_t)LEAP)
			 : "r8", "memory");
	box_got((uint64_t)a);
}

static void run(void)
{
	static const struct touch touches[] = {
		{"recursion", recurse, TOUCH_WRITE},
		{"one large frame", leap, TOUCH_WRITE},
	};

	touch_try(touches, sizeof(touches) / sizeof(*touches), BOX_HEAP);
}

const struct attack attack_k14 = {
	.id = "K14",
	.name = "a stack that overflows into trusted memory",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
