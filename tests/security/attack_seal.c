/*
 * The seal on text and constants: rights, keys and mappings that even the
 * runtime itself can't change any more. Control: the same calls before the
 * seal, which succeed.
 */
#include <errno.h>
#include <sys/mman.h>

#include "pkey/gate.h"
#include "pkey/partition.h"
#include "tests/security/tap.h"

enum {
	PAGE = 4096
};

static void *page_of(const void *p)
{
	return (void *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
}

static const char rodata[PAGE] = "constant";

static const struct target {
	const char *what;
	const void *at;
	int prot; /* as it stands */
} targets[] = {
	{"the gate's text", (const void *)gate_start, PROT_READ | PROT_EXEC},
	{"read-only data", rodata + sizeof(rodata) / 2, PROT_READ},
};

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

static void before(const struct target *t)
{
	(void)tap_ok(open_up(t->at, t->prot) == 0,
		"control: unsealed, %s can be made writable", t->what);
}

static void after(const struct target *t, const struct keys *keys)
{
	(void)tap_ok(open_up(t->at, t->prot) == EPERM,
		"sealed, %s can't be made writable", t->what);
	(void)tap_ok(retag(keys, t->at, t->prot) == EPERM,
		"sealed, %s keeps its key", t->what);
	(void)tap_ok(munmap(page_of(t->at), PAGE) != 0 && errno == EPERM,
		"sealed, %s can't be unmapped", t->what);
}

int main(void)
{
	static struct keys keys;
	static struct gate gate;
	const size_t n = sizeof(targets) / sizeof(*targets);

	if (!tap_ok(keys_init(&keys, &prim_mpk) == 0, "keys") ||
		!tap_ok(partition_apply(&keys) == 0, "partition") ||
		!tap_ok(gate_init(&gate, &keys) == 0, "gate"))
		return tap_plan();
	for (size_t i = 0; i < n; i++)
		before(&targets[i]);
	(void)tap_ok(open_up(gate_constants(), PROT_READ) == 0,
		"control: unsealed, the gate's constants can be");
	(void)tap_ok(partition_seal() == 0, "seal");
	for (size_t i = 0; i < n; i++)
		after(&targets[i], &keys);
	(void)tap_ok(open_up(gate_constants(), PROT_READ) == EPERM,
		"sealed, the gate's constants can't be made writable");
	return tap_plan();
}
