/*
 * Syscall user dispatch: every way into the kernel is refused while the
 * selector says BLOCK, none while it says ALLOW, and threads don't inherit it.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/dispatch.h"
#include "sandbox/wsys.h"

static volatile uint8_t selector;
static volatile int hits;
static volatile int code;
static volatile int number;

/* ALLOW first: the handler's own rt_sigreturn is subject to the selector. */
static void on_sigsys(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	selector = DISPATCH_ALLOW;
	hits++;
	code = si->si_code;
	number = si->si_syscall;
}

static void start(void)
{
	struct sigaction sa = {
		.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO | SA_NODEFER};

	cr_assert(dispatch_supported(), "no syscall user dispatch here");
	cr_assert_eq(sigaction(SIGSYS, &sa, NULL), 0);
	selector = DISPATCH_ALLOW;
	hits = 0;
	cr_assert_eq(dispatch_on(&selector), 0);
}

static long raw(long nr)
{
	static const uint64_t none[6];

	return wsys_call(nr, none);
}

static long raw_int80(long nr)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

TestSuite(dispatch, .timeout = 20);

Test(dispatch, syscall_is_refused_while_blocked)
{
	long pid;

	start();
	selector = DISPATCH_BLOCK;
	pid = raw(SYS_getpid);
	cr_assert_eq(hits, 1);
	cr_assert_eq(code, DISPATCH_SI_CODE);
	cr_assert_eq(number, SYS_getpid);
	cr_assert_neq(pid, getpid(), "the call was made all the same");
	cr_assert_eq(dispatch_off(), 0);
}

Test(dispatch, int80_is_refused_while_blocked)
{
	start();
	selector = DISPATCH_BLOCK;
	raw_int80(20); /* getpid of i386 */
	cr_assert_eq(hits, 1);
	cr_assert_eq(code, DISPATCH_SI_CODE);
	cr_assert_eq(dispatch_off(), 0);
}

Test(dispatch, x32_is_refused_while_blocked)
{
	start();
	selector = DISPATCH_BLOCK;
	raw(SYS_getpid | 0x40000000);
	cr_assert_eq(hits, 1);
	cr_assert_eq(code, DISPATCH_SI_CODE);
	cr_assert_eq(dispatch_off(), 0);
}

/* Also a number that no kernel has, and one that has no arguments to fail. */
Test(dispatch, every_number_is_refused_while_blocked)
{
	start();
	for (long nr = 0; nr < 1024; nr++) {
		hits = 0;
		selector = DISPATCH_BLOCK;
		raw(nr);
		cr_assert_eq(hits, 1, "call %ld passed", nr);
		cr_assert_eq(number, nr);
	}
	cr_assert_eq(dispatch_off(), 0);
}

Test(dispatch, allow_lets_through)
{
	start();
	cr_assert_eq(raw(SYS_getpid), getpid());
	cr_assert_eq(hits, 0);
	cr_assert_eq(dispatch_off(), 0);
}

Test(dispatch, off_ends_it)
{
	start();
	cr_assert_eq(dispatch_off(), 0);
	selector = DISPATCH_BLOCK;
	cr_assert_eq(raw(SYS_getpid), getpid());
	cr_assert_eq(hits, 0);
	cr_assert_eq(dispatch_off(), 0, "a second off is harmless");
}

static volatile long thread_pid;

/* A raw system call on purpose: libc's start of a thread makes its own. */
static void *thread_main(void *arg)
{
	(void)arg;
	while (selector != DISPATCH_BLOCK)
		__builtin_ia32_pause();
	thread_pid = raw(SYS_getpid);
	return NULL;
}

/* The selector is the same byte; the new thread isn't bound to it, so that
 * each worker must bind itself. */
Test(dispatch, threads_do_not_inherit_it)
{
	pthread_t t;

	start();
	cr_assert_eq(pthread_create(&t, NULL, thread_main, NULL), 0);
	selector = DISPATCH_BLOCK;
	while (!thread_pid)
		__builtin_ia32_pause();
	selector = DISPATCH_ALLOW;
	cr_assert_eq(thread_pid, getpid());
	cr_assert_eq(hits, 0);
	cr_assert_eq(pthread_join(t, NULL), 0);
	cr_assert_eq(dispatch_off(), 0);
}

/* No selector is as good as BLOCK: the kernel kills, it doesn't let pass. */
Test(dispatch, unreadable_selector_kills, .signal = SIGSEGV)
{
	volatile uint8_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq((void *)p, MAP_FAILED);
	cr_assert_eq(dispatch_on(p), 0);
	munmap((void *)p, 4096);
	raw(SYS_getpid);
}

Test(dispatch, bad_selector_is_an_error)
{
	cr_assert_eq(dispatch_on((volatile uint8_t *)-1), -EFAULT);
}
