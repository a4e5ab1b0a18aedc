/*
 * The kernel writes the process's memory for whoever asks, and asks no key.
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
static void write_it(struct box_attack *a)
{
	const struct iovec from = {a->area, 64};
	const struct iovec to = {(void *)a->place[a->n[0]], 64};
	const uint64_t args[6] = {
		a->n[1], (uint64_t)&from, 1, (uint64_t)&to, 1, 0};

	(void)walls_call6(SYS_process_vm_writev, args);
	box_done();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"heap", write_it, SYS_process_vm_writev, .harm = WALLS_HURT,
			.place = BOX_HEAP, .n = {BOX_HEAP}, .before = name_us},
		{"resident isolate", write_it, SYS_process_vm_writev,
			.harm = WALLS_HURT, .place = BOX_OTHER,
			.n = {BOX_OTHER}, .before = name_us},
		{"parked isolate", write_it, SYS_process_vm_writev,
			.harm = WALLS_HURT, .place = BOX_PARKED,
			.n = {BOX_PARKED}, .before = name_us},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d02 = {
	.id = "D02",
	.name = "process_vm_writev: memory written through the kernel",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
