#pragma once
/*
 * Syscall user dispatch: wall one against system calls of isolate code.
 *
 * While the selector byte says BLOCK, every system call of the thread that set
 * it (syscall, int 0x80, x32, the vdso's own) raises SIGSYS with si_code
 * SYS_USER_DISPATCH in place of being made; rt_sigreturn too. The kernel reads
 * the byte under the thread's PKRU: it must lie in a page that U may read and
 * may not write. Not inherited by new threads. vsyscall escapes it.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	DISPATCH_ALLOW = 0,
	DISPATCH_BLOCK = 1,
	DISPATCH_SI_CODE = 2, /* siginfo.si_code of a refusal */
};

/* Binds the calling thread to *selector, which must hold ALLOW and outlive the
 * thread (or the next dispatch_off). Returns 0 or -errno. */
int dispatch_on(volatile uint8_t *selector);

/* Unbinds the calling thread. Harmless when it isn't bound. */
int dispatch_off(void);

/* Does this kernel do it? For a thread that isn't bound: it binds and unbinds
 * to find out. */
bool dispatch_supported(void);
