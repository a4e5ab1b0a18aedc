/*
 * It answers calls of the runtime with success, and nothing is done: memory
 * then keeps a key that its owner has lost. It binds the worker, or (TSYNC)
 * every thread there is.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* A filter that answers pkey_mprotect with success, and makes none. */
static const struct sock_filter code[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_mprotect, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

/* U. The program's description is where U can read it. */
static uint64_t load(uint64_t flags)
{
	const struct sock_fprog prog = {
		sizeof(code) / sizeof(*code), (struct sock_filter *)code};

	return walls_call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags,
		(uint64_t)&prog, 0);
}

/* U. */
static void sync_filter(struct box_attack *a)
{
	(void)a;
	box_got(load(SECCOMP_FILTER_FLAG_TSYNC));
}

/* U. */
static void own_filter(struct box_attack *a)
{
	(void)a;
	box_got(load(0));
}

/* U. */
static void prctl_filter(struct box_attack *a)
{
	const struct sock_fprog prog = {
		sizeof(code) / sizeof(*code), (struct sock_filter *)code};

	(void)a;
	box_got(walls_call(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
		(uint64_t)&prog, 0));
}

/* U. Any call but four kills the thread from then on. */
static void strict(struct box_attack *a)
{
	(void)a;
	(void)walls_call(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0, 0);
	box_got(walls_call(SYS_getpid, 0, 0, 0, 0));
}

/* Keeper: does tagging memory that is not there succeed? */
static void look(struct box *b, void *attack)
{
	(void)attack;
	b->report->number[0] =
		syscall(SYS_pkey_mprotect, 4096, 4096, 0, 0) == 0;
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"the keeper's, by TSYNC", sync_filter, SYS_seccomp,
			.harm = WALLS_SEEN, .after = look},
		{"the worker's", own_filter, SYS_seccomp, .harm = WALLS_MADE},
		{"the worker's, by prctl", prctl_filter, SYS_prctl,
			.harm = WALLS_MADE},
		{"strict mode", strict, SYS_seccomp, .harm = WALLS_HARMED},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f11 = {
	.id = "F11",
	.name = "a seccomp filter of the isolate's own",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
