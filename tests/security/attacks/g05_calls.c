/*
 * System calls out of a native function of a live daemon, by SYSCALL and INT
 * 0x80. Their bytes are refused by default (A18); here they are let in.
 * Control: with dispatch and filters left out they are made.
 */
#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

static void cases(void)
{
	/* read write mmap mprotect munmap ioctl getpid socket clone execve
	 * exit kill openat ptrace pkey_mprotect pkey_alloc exit_group
	 * io_uring_enter process_vm_readv bpf userfaultfd seccomp futex
	 * rt_sigreturn arch_prctl, x32 getpid, none */
	static const unsigned calls[] = {0, 1, 9, 10, 11, 16, 39, 41, 56, 59,
		60, 62, 257, 101, 329, 330, 231, 426, 310, 321, 323, 317, 202,
		15, 158, 0x40000027, 0xffff};
	static const struct live_options with = {.calls = true};

	live_start(&live, &with);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		live_refused(&live, live_denied, "system call", "syscall %x",
			calls[i]);
	live_refused(&live, live_denied, "int 0x80", "int80 14");
	live_refused(&live, live_denied, "int 0x80", "int80 1");
	attack_held(live_stop(&live), "the daemon ends in peace");
}

static void run(void)
{
	static const struct live_options none = {
		.without = "dispatch,filter", .calls = true};
	uint64_t pid;

	cases();
	live_start(&live, &none);
	pid = live_ask(&live, "attacker", "syscall 27");
	attack_worked(pid == (uint64_t)live.daemon.pid,
		"getpid() without both walls: %lu", pid);
	pid = live_ask(&live, "attacker", "int80 14");
	attack_worked(pid == (uint64_t)live.daemon.pid,
		"getpid() by int 0x80 without both walls: %lu", pid);
	live_do(&live, "attacker", "syscall e7");
	attack_worked(daemon_died(&live.daemon, 5000) == 0 &&
			      !daemon_same(&live.daemon),
		"exit_group() without both walls: the daemon is gone");
}

const struct attack attack_g05 = {
	.id = "G05",
	.name = "live: system calls out of a function",
	.layer = "dispatch, seccomp",
	.off = "dispatch and filters",
	.run = run,
};
