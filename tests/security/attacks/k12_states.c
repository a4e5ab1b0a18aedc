/*
 * Wide and odd accesses: states of the FPU and of XSAVE, atomic operations,
 * vectors with masks and indices, stores past the cache.
 */
#include "tests/security/attack.h"
#include "tests/security/touch.h"

/* U. RDI: the victim. RSI: own memory, from which RAX is taken back. */
#define TOUCH(name, code)                                                      \
	static void name(struct box_attack *a)                                 \
	{                                                                      \
		uint64_t got = 1;                                              \
                                                                               \
		__asm__ volatile("push %%rbx\n\t" code "\n\tpop %%rbx"         \
				 : "+a"(got)                                   \
				 : "D"(touch_at(a)), "S"(a->area)              \
				 : "rcx", "rdx", "r8", "memory", "cc");        \
		box_got(got);                                                  \
	}

TOUCH(fx_save, "fxsave (%%rdi)")
TOUCH(x_save, "mov $7, %%eax\n\txor %%edx, %%edx\n\txsave (%%rdi)")
TOUCH(x_save_opt, "mov $7, %%eax\n\txor %%edx, %%edx\n\txsaveopt (%%rdi)")
TOUCH(fn_save, "fnsave (%%rdi)")
TOUCH(fn_stenv, "fnstenv (%%rdi)")
TOUCH(fn_stcw, "fnstcw (%%rdi)")
TOUCH(st_mxcsr, "stmxcsr (%%rdi)")
TOUCH(fist, "fld1\n\tfistpll (%%rdi)")
TOUCH(fild, "fildll (%%rdi)\n\tfistpll (%%rsi)\n\tmov (%%rsi), %%rax")
TOUCH(fx_rstor, "fxrstor (%%rdi)")
TOUCH(ld_mxcsr, "ldmxcsr (%%rdi)")
TOUCH(x_chg, "xchg %%rax, (%%rdi)")
TOUCH(x_add, "lock xadd %%rax, (%%rdi)")
TOUCH(cmpxchg, "lock cmpxchg %%rsi, (%%rdi)")
TOUCH(cmpxchg16, "xor %%edx, %%edx\n\txor %%ebx, %%ebx\n\txor %%ecx, %%ecx\n\t"
		 "lock cmpxchg16b (%%rdi)")
TOUCH(lock_or, "lock orq $0, (%%rdi)")
TOUCH(bit_set, "sub %%rsi, %%rdi\n\tshl $3, %%rdi\n\txor $1, %%rdi\n\t"
	       "btcq %%rdi, (%%rsi)\n\tbtcq %%rdi, 8(%%rsi)")
TOUCH(movbe_read, "movbe (%%rdi), %%rax\n\tbswap %%rax")
TOUCH(nontemporal, "movnti %%rax, (%%rdi)")
TOUCH(nontemporal_read, "movntdqa (%%rdi), %%xmm0\n\tmovq %%xmm0, %%rax")
TOUCH(mask_bytes, "pcmpeqd %%xmm1, %%xmm1\n\tpxor %%xmm0, %%xmm0\n\t"
		  "maskmovdqu %%xmm1, %%xmm0")
TOUCH(vmask_store, "vpcmpeqd %%ymm1, %%ymm1, %%ymm1\n\t"
		   "vpmaskmovd %%ymm1, %%ymm1, (%%rdi)")
TOUCH(vmask_load, "vpcmpeqd %%xmm1, %%xmm1, %%xmm1\n\t"
		  "vpmaskmovq (%%rdi), %%xmm1, %%xmm0\n\tvmovq %%xmm0, %%rax")
TOUCH(gather, "vpcmpeqd %%xmm1, %%xmm1, %%xmm1\n\tsub %%rsi, %%rdi\n\t"
	      "vmovq %%rdi, %%xmm2\n\tvpgatherqq %%xmm1, (%%rsi,%%xmm2), %%xmm0"
	      "\n\tvmovq %%xmm0, %%rax")
TOUCH(vector, "vmovdqu (%%rdi), %%ymm0\n\tvmovq %%xmm0, %%rax")
TOUCH(insert, "pxor %%xmm0, %%xmm0\n\tpinsrq $0, (%%rdi), %%xmm0\n\t"
	      "movq %%xmm0, %%rax")

/* U: no lane is chosen, so nothing may be got or changed. */
static void no_lane(struct box_attack *a)
{
	__asm__ volatile("vpxor %%xmm1, %%xmm1, %%xmm1\n\t"
			 "vpmaskmovd %%ymm1, %%ymm1, (%0)\n\t"
			 "vpmaskmovd (%0), %%ymm1, %%ymm0"
			 :
			 : "D"(touch_at(a))
			 : "memory");
	box_done();
}

static void no_byte(struct box_attack *a)
{
	__asm__ volatile("pxor %%xmm1, %%xmm1\n\t"
			 "maskmovdqu %%xmm1, %%xmm1"
			 :
			 : "D"(touch_at(a))
			 : "memory");
	box_done();
}

static void fetch_ahead(struct box_attack *a)
{
	__asm__ volatile("prefetcht0 (%0)\n\tprefetchw (%0)\n\t"
			 "prefetchnta (%0)"
			 :
			 : "D"(touch_at(a))
			 : "memory");
	box_done();
}

static const struct touch touches[] = {
	{"fxsave", fx_save, TOUCH_WRITE},
	{"xsave", x_save, TOUCH_WRITE},
	{"xsaveopt", x_save_opt, TOUCH_WRITE},
	{"fnsave", fn_save, TOUCH_WRITE},
	{"fnstenv", fn_stenv, TOUCH_WRITE},
	{"fnstcw", fn_stcw, TOUCH_WRITE},
	{"stmxcsr", st_mxcsr, TOUCH_WRITE},
	{"fistp", fist, TOUCH_WRITE},
	{"fild", fild, TOUCH_READ},
	{"fxrstor", fx_rstor, TOUCH_ANY},
	{"ldmxcsr", ld_mxcsr, TOUCH_ANY},
	{"xchg", x_chg, TOUCH_READ},
	{"xadd", x_add, TOUCH_READ},
	{"cmpxchg", cmpxchg, TOUCH_READ},
	{"cmpxchg16b", cmpxchg16, TOUCH_READ},
	{"or with 0", lock_or, TOUCH_ANY},
	{"btc, far from its operand", bit_set, TOUCH_WRITE},
	{"movbe", movbe_read, TOUCH_READ},
	{"movnti", nontemporal, TOUCH_WRITE},
	{"movntdqa", nontemporal_read, TOUCH_READ},
	{"maskmovdqu", mask_bytes, TOUCH_WRITE},
	{"vpmaskmovd, a store", vmask_store, TOUCH_WRITE},
	{"vpmaskmovq, a load", vmask_load, TOUCH_READ},
	{"vpgatherqq", gather, TOUCH_READ},
	{"vmovdqu", vector, TOUCH_READ},
	{"pinsrq", insert, TOUCH_READ},
	{"masks of zeros", no_lane, TOUCH_NONE},
	{"a byte mask of zeros", no_byte, TOUCH_NONE},
	{"prefetches", fetch_ahead, TOUCH_NONE},
};

static void run(void)
{
	touch_try(touches, sizeof(touches) / sizeof(*touches), BOX_OTHER);
}

const struct attack attack_k12 = {
	.id = "K12",
	.name = "state saves, atomics, masks, gathers at a victim",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
