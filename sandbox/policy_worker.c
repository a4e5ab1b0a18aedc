/*
 * The worker's policy: wall two. It must hold with wall one (user dispatch)
 * off, that is, when isolate code makes system calls with arguments of its
 * choice from any address. So each call that is allowed at all is harmless
 * without the cookie, which isolate code can't read.
 *
 * Refusals raise SIGSYS, for the fault path to end the isolate. Never a kill:
 * KILL_PROCESS gives every function a way to end the daemon, KILL_THREAD one
 * to end a worker. The exceptions return an error without doing anything:
 *
 *   clock_gettime   the vdso's fallback makes it without the cookie where the
 *                   TSC is no clock source; an error sends the caller to
 *                   wsys_clock_gettime
 *   mmap and kin    a stray malloc or free of runtime code on a worker then
 *                   fails as if memory were short. It is still no access.
 *                   brk returns 0: a break below the one asked for is what
 *                   failure looks like to libc, which would take -ENOMEM for a
 *                   very high break and believe it
 *
 * exit and exit_group are trapped too: workers end when the process does.
 */
#include "sandbox/policy_rows.h"

#include <linux/futex.h>
#include <linux/io_uring.h>

static const struct policy_row rows[] = {
	{CALL(io_uring_enter), ALLOW,
		WHEN4(IS_RING(0), BITS(3, ~(uint64_t)IORING_ENTER_GETEVENTS, 0),
			IS(4, 0), IS_COOKIE(5)),
		.why = "its own ring. Without EXT_ARG and with a null arg the "
		       "kernel ignores the size, which carries the cookie; "
		       "without REGISTERED_RING the fd is an fd"},
#ifndef GV_SANITIZED
	{CALL(futex), ALLOW, WHEN2(IS(1, FUTEX_WAKE_PRIVATE), IS_COOKIE(4)),
		.why = "wake and wait between runtime threads; the other "
		       "operations write or requeue"},
	{CALL(futex), ALLOW, WHEN2(IS(1, FUTEX_WAIT_PRIVATE), IS_COOKIE(4))},
	{CALL(restart_syscall), ALLOW,
		WHEN2(IS(1, FUTEX_WAIT_PRIVATE), IS_COOKIE(4)),
		.why = "how the kernel resumes a timed futex wait after the "
		       "process was stopped or frozen: same registers"},
	{CALL(rt_sigreturn), ALLOW, WHEN2(IS_COOKIE(0), IS_INV_COOKIE(1)),
		.why = "the end of the keeper's SIGURG, made by the gate"},
	{CALL(clock_gettime), ALLOW, WHEN1(IS_COOKIE(3)),
		.why = "deadlines, where the vdso can't tell the time"},
	{CALL(clock_gettime), REFUSE(EPERM), WHEN1(NOT_COOKIE(3)),
		.why = "the vdso's own fallback has no cookie"},
	{CALL(mmap), REFUSE(ENOMEM),
		.why = "a stray allocation fails cleanly; memory calls are "
		       "the keeper's"},
	{CALL(munmap), REFUSE(ENOMEM)},
	{CALL(mremap), REFUSE(ENOMEM)},
	{CALL(mprotect), REFUSE(ENOMEM)},
	{CALL(madvise), REFUSE(ENOMEM)},
	{CALL(brk), REFUSE(0)},
#else
	{CALL(futex), ALLOW,
		.why = "sanitizer builds only: the runtime of the sanitizer "
		       "maps memory, locks, prints and ends on every thread"},
	{CALL(restart_syscall), ALLOW},
	{CALL(rt_sigreturn), ALLOW},
	{CALL(clock_gettime), ALLOW},
	{CALL(mmap), ALLOW},
	{CALL(munmap), ALLOW},
	{CALL(mremap), ALLOW},
	{CALL(mprotect), ALLOW},
	{CALL(madvise), ALLOW},
	{CALL(brk), ALLOW},
	{CALL(sigaltstack), ALLOW},
	{CALL(rt_sigprocmask), ALLOW},
	{CALL(sched_yield), ALLOW},
	{CALL(getpid), ALLOW},
	{CALL(gettid), ALLOW},
	{CALL(tgkill), ALLOW},
	{CALL(write), ALLOW},
	{CALL(read), ALLOW},
	{CALL(openat), ALLOW},
	{CALL(close), ALLOW},
	{CALL(newfstatat), ALLOW},
	{CALL(readlink), ALLOW},
	{CALL(ioctl), ALLOW},
	{CALL(prctl), ALLOW},
	{CALL(exit), ALLOW},
	{CALL(exit_group), ALLOW},
#endif
};

const struct policy policy_worker = {
	.name = "worker",
	.about = "threads that run isolates, on top of the baseline",
	.otherwise = {POLICY_TRAP, 0},
	.rows = rows,
	.n_rows = sizeof(rows) / sizeof(*rows),
};
