/*
 * Protection keys by the kernel's calls. Runs in T on threads that are allowed
 * memory calls (first thread, keeper), never on a confined worker.
 */
#include <cpuid.h>
#include <sys/mman.h>

#include "base/err.h"
#include "pkey/prim.h"
#include "pkey/xcr0.h"

static int mpk_key_alloc(bool open)
{
	int key = pkey_alloc(0, open ? 0 : PKEY_DISABLE_ACCESS);

	return key < 0 ? err_errno() : key;
}

static int mpk_tag(void *addr, size_t len, int prot, int key)
{
	return pkey_mprotect(addr, len, prot, key) == 0 ? 0 : err_errno();
}

const struct prim prim_mpk = {
	.name = "mpk",
	.hardware = true,
	.key_alloc = mpk_key_alloc,
	.tag = mpk_tag,
};

/* CPUID says what the CPU has; OSPKE says whether the kernel turned it on. */
static bool cpu_has_ospke(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & (1u << 4));
}

static bool cpu_has_rdtscp(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && (d & (1u << 27));
}

/* Registers that nobody clears would carry bytes from isolate to isolate. */
static bool cpu_state_known(void)
{
	return (xcr0_read() & ~(uint64_t)XCR0_KNOWN) == 0;
}

int prim_probe(const char **ret_why)
{
	int key;

	if (!cpu_has_ospke()) {
		*ret_why = "the CPU has no protection keys (PKU), or the "
			   "kernel or hypervisor turned them off";
		return -ENODEV;
	}
	if (!cpu_has_rdtscp()) {
		*ret_why = "the CPU has no RDTSCP";
		return -ENODEV;
	}
	if (!cpu_state_known()) {
		*ret_why = "the CPU has registers that this version does not "
			   "clear between functions (XCR0)";
		return -ENODEV;
	}
	key = mpk_key_alloc(false);
	if (key < 0) {
		*ret_why = "pkey_alloc failed: all protection keys are taken";
		return key;
	}
	if (pkey_free(key) != 0)
		return err_errno();
	return 0;
}
