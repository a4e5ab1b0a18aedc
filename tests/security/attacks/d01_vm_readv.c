/*
 * The kernel reads the process's memory for whoever asks, and asks no key.
 */
#include <sys/uio.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper: who to. */
static void name_us(struct box *b, void *attack)
{
	struct box_attack *a = attack;

	(void)b;
	a->n[1] = (uint64_t)getpid();
}

/* U. */
static void read_it(struct box_attack *a)
{
	uint64_t got = 0;
	const struct iovec to = {&got, sizeof(got)};
	const struct iovec from = {(void *)a->place[a->n[0]], sizeof(got)};
	const uint64_t args[6] = {
		a->n[1], (uint64_t)&to, 1, (uint64_t)&from, 1, 0};

	(void)walls_call6(SYS_process_vm_readv, args);
	box_got(got);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"heap", read_it, SYS_process_vm_readv, .harm = WALLS_LEAKED,
			.n = {BOX_HEAP}, .before = name_us},
		{"resident isolate", read_it, SYS_process_vm_readv,
			.harm = WALLS_LEAKED, .n = {BOX_OTHER},
			.before = name_us},
		{"parked isolate", read_it, SYS_process_vm_readv,
			.harm = WALLS_LEAKED, .n = {BOX_PARKED},
			.before = name_us},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d01 = {
	.id = "D01",
	.name = "process_vm_readv: memory read through the kernel",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
