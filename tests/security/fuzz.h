#pragma once
/*
 * The system call fuzzer: every number there is, in one dialect, with arguments
 * that point at victims, at the runtime, at nothing, at the isolate's memory,
 * at anything, and as the runtime makes its own calls. After each call victims
 * are looked at, and the next call shows that the worker is well; all canaries,
 * a neighbour and a fault of its own come every 16 calls.
 *
 *   both walls, filter off   SIGSYS of dispatch, whatever the number
 *   dispatch off             what policy_decide() says; x32, int 0x80: SIGSYS
 *   the cookie check off     what it says of the policy without cookies: calls
 *                            are made then, which is one control
 *   both off                 harmless calls are made: the other control
 *
 * Numbers that the kernel treats in its own way, native dialect, dispatch off:
 *
 *   15   rt_sigreturn      a trap for lack of the cookie
 *   219  restart_syscall   the same
 *   335  uretprobe         Linux 6.14, late 6.12: no filter sees it; SIGILL
 *   336  uprobe            Linux 6.18 and later: no filter sees it; ENXIO
 */
enum {
	FUZZ_LAST = 1024,
	FUZZ_X32 = 0x40000000,
};

enum fuzz_dialect {
	FUZZ_SYSCALL,
	FUZZ_SYSCALL_X32,
	FUZZ_INT80,
};

void fuzz_run(enum fuzz_dialect dialect);
