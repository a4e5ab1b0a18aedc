/*
 * The same calls under other numbers, for programs with 32-bit pointers; a
 * filter by number alone lets them pass. Kernels of our day mostly do not have
 * the dialect: the control then is that the call gets as far as the kernel's
 * own answer to that, ENOSYS.
 */
#include "tests/security/attack.h"
#include "tests/security/walls.h"

enum {
	X32 = 0x40000000,
	X32_PTRACE = 521,
	X32_VM_READV = 539,
};

/* Keeper. Any answer of the kernel's. */
static void look(struct box *b, void *attack)
{
	(void)attack;
	b->report->number[0] = walls_got(&b->report->end[0]);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"getpid", walls_make, X32 | SYS_getpid, .harm = WALLS_SEEN,
			.n = {X32 | SYS_getpid, 0}, .after = look},
		{"mprotect", walls_make, X32 | SYS_mprotect, .harm = WALLS_SEEN,
			.n = {X32 | SYS_mprotect, OWN(0), 0, 0}, .after = look},
		{"pkey_mprotect", walls_make, X32 | SYS_pkey_mprotect,
			.harm = WALLS_SEEN,
			.n = {X32 | SYS_pkey_mprotect, OWN(0), 0, 0,
				(uint64_t)-1},
			.after = look},
		{"mmap", walls_make, X32 | SYS_mmap, .harm = WALLS_SEEN,
			.n = {X32 | SYS_mmap, 0, 0}, .after = look},
		{"io_uring_enter", walls_make, X32 | SYS_io_uring_enter,
			.harm = WALLS_SEEN,
			.n = {X32 | SYS_io_uring_enter, RING, 0, 0, 0},
			.after = look},
		{"futex", walls_make, X32 | SYS_futex, .harm = WALLS_SEEN,
			.n = {X32 | SYS_futex, OWN(0), 129, 1}, .after = look},
		{"ptrace", walls_make, X32 | X32_PTRACE, .harm = WALLS_SEEN,
			.n = {X32 | X32_PTRACE, 0, 1}, .after = look},
		{"process_vm_readv", walls_make, X32 | X32_VM_READV,
			.harm = WALLS_SEEN,
			.n = {X32 | X32_VM_READV, 1, 0, 0, 0, 0, 1},
			.after = look},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f02 = {
	.id = "F02",
	.name = "system calls in the x32 dialect",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
