/*
 * The baseline: what any thread of the daemon may call once it has started.
 *
 * Isolate code never runs on a thread that has this policy alone; it bounds
 * what a mistake in the runtime can be made to do: no new program, no other
 * process, no namespaces, no kernel extension, no debugging, no second process
 * of its own. What is not listed returns EPERM. Not SIGSYS: the callers are the
 * runtime and its libraries, which handle an error and log it, and a probe by
 * some library must not end every tenant's work. On workers the sterner verdict
 * of their own policy hides this one.
 *
 * What a filter of registers can't say: openat is allowed for any path (also
 * /proc/self/mem), io_uring for any operation. Those are for the mount view and
 * ring restrictions.
 *
 * Order: what workers call comes first, since their every call passes this
 * filter too. Rows without conditions otherwise cost nothing: the kernel keeps
 * a bitmap of the calls that a filter allows whatever the arguments.
 */
#include "sandbox/policy_rows.h"

#include <asm/prctl.h>
#include <asm/termbits.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* A thread of this process and nothing else. */
#define THREAD_FLAGS (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
#define OTHER_FLAGS                                                            \
	((uint64_t)CLONE_PTRACE | CLONE_VFORK | CLONE_NEWNS |                  \
		CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |                \
		CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static const struct policy_row rows[] = {
	{CALL(io_uring_enter), ALLOW, .why = "rings and waiting"},
	{CALL(futex), ALLOW},
	{CALL(clock_gettime), ALLOW},
	{CALL(rt_sigreturn), ALLOW},
	{CALL(tgkill), ALLOW, WHEN1(IS_PID(0)),
		.why = "the keeper's SIGURG to workers; abort. No other "
		       "process"},
	{CALL(pkey_mprotect), ALLOW,
		.why = "memory: layout, tagging, sealing, giving back"},
	{CALL(madvise), ALLOW},
	{CALL(mmap), ALLOW},
	{CALL(munmap), ALLOW},
	{CALL(mprotect), ALLOW},
	{CALL(mremap), ALLOW},
	{CALL(brk), ALLOW},
	{CALL(mincore), ALLOW},
	{CALL(mseal), ALLOW},
	{CALL(pkey_alloc), ALLOW},
	{CALL(restart_syscall), ALLOW, .why = "waiting and time"},
	{CALL(clock_getres), ALLOW},
	{CALL(clock_nanosleep), ALLOW},
	{CALL(nanosleep), ALLOW},
	{CALL(gettimeofday), ALLOW},
	{CALL(time), ALLOW},
	{CALL(sched_yield), ALLOW},
	{CALL(poll), ALLOW},
	{CALL(ppoll), ALLOW},
	{CALL(pselect6), ALLOW},
	{CALL(epoll_create1), ALLOW},
	{CALL(epoll_ctl), ALLOW},
	{CALL(epoll_wait), ALLOW},
	{CALL(epoll_pwait), ALLOW},
	{CALL(eventfd2), ALLOW},
	{CALL(timerfd_create), ALLOW},
	{CALL(timerfd_settime), ALLOW},
	{CALL(timerfd_gettime), ALLOW},
	{CALL(signalfd4), ALLOW},
	{CALL(io_uring_setup), ALLOW,
		.why = "each worker makes its ring at its start"},
	{CALL(io_uring_register), ALLOW},
	{CALL(read), ALLOW, .why = "files: config, code store, log, /proc"},
	{CALL(write), ALLOW},
	{CALL(readv), ALLOW},
	{CALL(writev), ALLOW},
	{CALL(pread64), ALLOW},
	{CALL(pwrite64), ALLOW},
	{CALL(openat), ALLOW},
	{CALL(close), ALLOW},
	{CALL(close_range), ALLOW},
	{CALL(lseek), ALLOW},
	{CALL(fstat), ALLOW},
	{CALL(newfstatat), ALLOW},
	{CALL(statx), ALLOW},
	{CALL(statfs), ALLOW},
	{CALL(fstatfs), ALLOW},
	{CALL(access), ALLOW},
	{CALL(faccessat), ALLOW},
	{CALL(faccessat2), ALLOW},
	{CALL(readlink), ALLOW},
	{CALL(readlinkat), ALLOW},
	{CALL(getcwd), ALLOW},
	{CALL(getdents64), ALLOW},
	{CALL(fsync), ALLOW},
	{CALL(fdatasync), ALLOW},
	{CALL(ftruncate), ALLOW},
	{CALL(fallocate), ALLOW},
	{CALL(flock), ALLOW},
	{CALL(fcntl), ALLOW},
	{CALL(dup), ALLOW},
	{CALL(dup2), ALLOW},
	{CALL(dup3), ALLOW},
	{CALL(pipe2), ALLOW},
	{CALL(memfd_create), ALLOW},
	{CALL(rename), ALLOW},
	{CALL(renameat), ALLOW},
	{CALL(renameat2), ALLOW},
	{CALL(unlink), ALLOW},
	{CALL(unlinkat), ALLOW},
	{CALL(mkdir), ALLOW},
	{CALL(mkdirat), ALLOW},
	{CALL(rmdir), ALLOW},
	{CALL(chmod), ALLOW},
	{CALL(fchmod), ALLOW},
	{CALL(fchmodat), ALLOW},
	{CALL(chown), ALLOW},
	{CALL(fchown), ALLOW},
	{CALL(fchownat), ALLOW},
	{CALL(umask), ALLOW},
	{CALL(ioctl), ALLOW, WHEN1(IS32(1, TCGETS)),
		.why = "stdio asks whether it writes to a terminal"},
	{CALL(socket), ALLOW, WHEN1(IS32(0, AF_UNIX)),
		.why = "the API's sockets; no netlink, no packet sockets"},
	{CALL(socket), ALLOW, WHEN1(IS32(0, AF_INET))},
	{CALL(socket), ALLOW, WHEN1(IS32(0, AF_INET6))},
	{CALL(socketpair), ALLOW},
	{CALL(bind), ALLOW},
	{CALL(listen), ALLOW},
	{CALL(accept), ALLOW},
	{CALL(accept4), ALLOW},
	{CALL(connect), ALLOW},
	{CALL(shutdown), ALLOW},
	{CALL(getsockname), ALLOW},
	{CALL(getpeername), ALLOW},
	{CALL(getsockopt), ALLOW},
	{CALL(setsockopt), ALLOW},
	{CALL(sendto), ALLOW},
	{CALL(recvfrom), ALLOW},
	{CALL(sendmsg), ALLOW},
	{CALL(recvmsg), ALLOW},
	{CALL(rt_sigaction), ALLOW, .why = "signals of this process"},
	{CALL(rt_sigprocmask), ALLOW},
	{CALL(rt_sigpending), ALLOW},
	{CALL(rt_sigtimedwait), ALLOW},
	{CALL(rt_sigsuspend), ALLOW},
	{CALL(sigaltstack), ALLOW},
#ifndef GV_SANITIZED
	{CALL(clone), ALLOW,
		WHEN1(BITS(0, THREAD_FLAGS | OTHER_FLAGS, THREAD_FLAGS)),
		.why = "threads; no process, no namespace"},
#else
	{CALL(clone), ALLOW,
		.why = "sanitizer builds only: the leak checker forks a "
		       "tracer"},
	{CALL(ptrace), ALLOW},
	{CALL(wait4), ALLOW},
	{CALL(getppid), ALLOW},
	{CALL(set_thread_area), REFUSE(ENOSYS)},
#endif
	{CALL(clone3), REFUSE(ENOSYS),
		.why = "its flags lie in memory, unseen; libc falls back to "
		       "clone"},
	{CALL(set_robust_list), ALLOW, .why = "what libc does in a new thread"},
	{CALL(set_tid_address), ALLOW},
	{CALL(rseq), ALLOW},
	{CALL(exit), ALLOW},
	{CALL(exit_group), ALLOW},
	{CALL(gettid), ALLOW, .why = "facts about this process and machine"},
	{CALL(getpid), ALLOW},
	{CALL(getuid), ALLOW},
	{CALL(geteuid), ALLOW},
	{CALL(getgid), ALLOW},
	{CALL(getegid), ALLOW},
	{CALL(uname), ALLOW},
	{CALL(sysinfo), ALLOW},
	{CALL(getrusage), ALLOW},
	{CALL(getrandom), ALLOW},
	{CALL(getcpu), ALLOW},
	{CALL(sched_getaffinity), ALLOW},
	{CALL(sched_setaffinity), ALLOW, .why = "workers are pinned"},
	{CALL(membarrier), ALLOW},
	{CALL(prlimit64), ALLOW, WHEN1(IS32(0, 0)),
		.why = "own limits; no other process's"},
	{CALL(arch_prctl), ALLOW, WHEN1(IS32(0, ARCH_SET_GS)),
		.why = "a worker's GS, set once before its own filter"},
	{CALL(arch_prctl), ALLOW, WHEN1(IS32(0, ARCH_GET_GS))},
	{CALL(arch_prctl), ALLOW, WHEN1(IS32(0, ARCH_GET_FS))},
	{CALL(prctl), ALLOW, WHEN1(IS32(0, PR_SET_SYSCALL_USER_DISPATCH)),
		.why = "a worker's start, by operation: dispatch, names, "
		       "no_new_privs, no dumps"},
	{CALL(prctl), ALLOW, WHEN1(IS32(0, PR_SET_NAME))},
	{CALL(prctl), ALLOW, WHEN1(IS32(0, PR_GET_NAME))},
	{CALL(prctl), ALLOW, WHEN1(IS32(0, PR_SET_VMA))},
	{CALL(prctl), ALLOW, WHEN1(IS32(0, PR_SET_TIMERSLACK))},
	{CALL(prctl), ALLOW, WHEN1(IS32(0, PR_SET_NO_NEW_PRIVS))},
	{CALL(prctl), ALLOW, WHEN1(IS32(0, PR_GET_NO_NEW_PRIVS))},
	{CALL(prctl), ALLOW, WHEN1(IS32(0, PR_GET_SECCOMP))},
	{CALL(prctl), ALLOW, WHEN1(IS32(0, PR_GET_DUMPABLE))},
	{CALL(prctl), ALLOW, WHEN2(IS32(0, PR_SET_DUMPABLE), IS32(1, 0))},
	{CALL(seccomp), ALLOW,
		WHEN2(IS32(0, SECCOMP_SET_MODE_FILTER), IS32(1, 0)),
		.why = "a worker's own filter; no flag, so no other thread's"},
	{CALL(seccomp), ALLOW, WHEN1(IS32(0, SECCOMP_GET_ACTION_AVAIL))},
};

const struct policy policy_baseline = {
	.name = "baseline",
	.about = "every thread of the daemon",
	.otherwise = {POLICY_ERRNO, EPERM},
	.rows = rows,
	.n_rows = sizeof(rows) / sizeof(*rows),
};
