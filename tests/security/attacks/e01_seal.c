/*
 * The seal on text and constants: rights, keys and mappings that even the
 * runtime itself can't change any more, so that no confused one will. Control:
 * the same calls before the seal.
 */
#include <errno.h>
#include <sys/mman.h>

#include "pkey/gate.h"
#include "pkey/partition.h"
#include "tests/security/attack.h"

enum {
	PAGE = 4096
};

static void *page_of(const void *p)
{
	return (void *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
}

static const char rodata[PAGE] = "constant";

/* 0 when it was done (and undone), else errno. */
static int open_up(const void *at, int prot)
{
	if (mprotect(page_of(at), PAGE, prot | PROT_WRITE) != 0)
		return errno;
	return mprotect(page_of(at), PAGE, prot) == 0 ? 0 : errno;
}

static int retag(const struct keys *keys, const void *at, int prot)
{
	return -keys->prim->tag(page_of(at), PAGE, prot, keys->shared);
}

static void run(void)
{
	static struct keys keys;
	static struct gate gate;
	const struct {
		const char *what;
		const void *at;
		int prot; /* as it stands */
	} targets[] = {
		{"the gate's text", (const void *)gate_start,
			PROT_READ | PROT_EXEC},
		{"read-only data", rodata + sizeof(rodata) / 2, PROT_READ},
		{"the gate's constants", gate_constants(), PROT_READ},
	};
	const size_t n = sizeof(targets) / sizeof(*targets);

	if (keys_init(&keys, &prim_mpk) != 0 || partition_apply(&keys) != 0 ||
		gate_init(&gate, &keys) != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		attack_worked(open_up(targets[i].at, targets[i].prot) == 0,
			"unsealed, %s can be made writable", targets[i].what);
		attack_worked(retag(&keys, targets[i].at, targets[i].prot) == 0,
			"unsealed, %s can be retagged", targets[i].what);
	}
	attack_held(partition_seal() == 0, "seal");
	for (size_t i = 0; i < n; i++) {
		attack_held(open_up(targets[i].at, targets[i].prot) == EPERM,
			"%s made writable", targets[i].what);
		attack_held(
			retag(&keys, targets[i].at, targets[i].prot) == EPERM,
			"%s retagged", targets[i].what);
		attack_held(munmap(page_of(targets[i].at), PAGE) != 0 &&
				    errno == EPERM,
			"%s unmapped", targets[i].what);
	}
}

const struct attack attack_e01 = {
	.id = "E01",
	.name = "change rights, key or mapping of text and constants",
	.layer = "mseal",
	.off = "the seal",
	.run = run,
};
