/*
 * A second mapping of shared memory has key 0, whatever the first has; and
 * pkey_mprotect makes that the isolate's own.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper: shared memory of the runtime's, with a secret. */
static void make_segment(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int id = shmget(IPC_PRIVATE, 4096, 0600);
	uint64_t *p = shmat(id, NULL, 0);

	CHECK(id >= 0 && p != (void *)-1);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	*p = b->canary;
	a->n[0] = (uint64_t)id;
}

/* Keeper. */
static void make_file(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int fd = memfd_create("shared", 0);

	CHECK(fd >= 0 && write(fd, &b->canary, 8) == 8);
	a->n[0] = (uint64_t)fd;
}

/* U. */
__attribute__((noreturn)) static void take(struct box_attack *a, uint64_t at)
{
	(void)walls_call(
		SYS_pkey_mprotect, at, 4096, PROT_READ, walls_own_key(a));
	box_got(*(volatile uint64_t *)at);
}

/* U. */
static void attach(struct box_attack *a)
{
	take(a, walls_call(SYS_shmat, a->n[0], 0, SHM_RDONLY, 0));
}

/* U. */
static void map(struct box_attack *a)
{
	const uint64_t args[6] = {0, 4096, PROT_READ, MAP_SHARED, a->n[0], 0};

	take(a, walls_call6(SYS_mmap, args));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"System V memory", attach, SYS_shmat, .harm = WALLS_LEAKED,
			.before = make_segment},
		{"a shared file", map, SYS_mmap, .answered = true,
			.err = ENOMEM, .harm = WALLS_LEAKED,
			.before = make_file},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e13 = {
	.id = "E13",
	.name = "the same memory mapped twice: shmat, shared files",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
