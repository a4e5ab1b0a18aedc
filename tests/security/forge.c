/* Forged signal frames. U. Layout: the kernel's struct rt_sigframe. */
#include "tests/security/forge.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>

enum {
	UC_FLAGS = 7, /* FP_XSTATE, SIGCONTEXT_SS, STRICT_RESTORE_SS */
	XSTATE_AT = 1024,
	XSTATE_SIZE = 4096,
	SW_BYTES = 464,
	XSTATE_BV = 512,
	MAGIC1 = 0x46505853,
	MAGIC2 = 0x46505845,
	STACK_USED = 16 << 10,
};

struct sw_bytes {
	uint32_t magic1;
	uint32_t extended_size;
	uint64_t features;
	uint32_t xstate_size;
};

/* As big as the kernel says it is; the last component need not be PKRU. */
static uint32_t xstate_size(void)
{
	uint32_t a = 0xd, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b;
}

static uint64_t xstate_features(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (uint64_t)hi << 32;
}

static void forge_xstate(const struct box_attack *a, unsigned char *at)
{
	uint32_t size = xstate_size();
	struct sw_bytes sw = {
		.magic1 = MAGIC1,
		.extended_size = size + 4,
		.features = xstate_features(),
		.xstate_size = size,
	};
	const uint32_t magic2 = MAGIC2, pkru = 0;
	uint64_t bv;

	__asm__ volatile("xsave (%0)" : : "r"(at), "a"(-1), "d"(-1) : "memory");
	memcpy(at + SW_BYTES, &sw, sizeof(sw));
	memcpy(at + size, &magic2, sizeof(magic2));
	memcpy(at + a->pkru_offset, &pkru, sizeof(pkru));
	memcpy(&bv, at + XSTATE_BV, sizeof(bv));
	bv |= 1 << 9;
	memcpy(at + XSTATE_BV, &bv, sizeof(bv));
}

uint64_t forge_frame(struct box_attack *a, void (*rip)(struct box_attack *a))
{
	ucontext_t *uc = (void *)a->area;
	greg_t *regs = uc->uc_mcontext.gregs;

	memset(a->area, 0, XSTATE_AT + XSTATE_SIZE);
	forge_xstate(a, a->area + XSTATE_AT);
	uc->uc_flags = UC_FLAGS;
	uc->uc_stack.ss_flags = SS_DISABLE;
	uc->uc_mcontext.fpregs = (void *)(a->area + XSTATE_AT);
	regs[REG_RDI] = (greg_t)a;
	regs[REG_RSP] = (greg_t)(a->stack + STACK_USED - 8);
	regs[REG_RIP] = (greg_t)rip;
	regs[REG_EFL] = 0x202;
	regs[REG_CSGSFS] = 0x33 | (greg_t)0x2b << 48;
	return (uint64_t)uc;
}

void forge_loot(struct box_attack *a)
{
	box_got(*(volatile uint64_t *)a->place[a->n[0]]);
}
