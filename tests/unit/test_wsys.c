/*
 * A worker's calls, alive: with its filter loaded the wrappers work, and what
 * libc and a mistaken runtime would do fails as the policy says.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/filter.h"
#include "sandbox/wsys.h"

enum {
	SLOTS = 16
};

/* Shared with the child. */
static volatile long *value;

static struct policy_params params;

static void start_child(void)
{
	(void)wsys_init();
	params.cookie = wsys_cookie;
	params.pid = getpid();
}

/* Runs fn in a child, which ends by a breakpoint's trap. Returns its status. */
static int in_child(void (*fn)(void))
{
	int status;
	pid_t pid;

	value = mmap(NULL, SLOTS * sizeof(*value), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq((void *)value, MAP_FAILED);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		start_child();
		fn();
		__asm__ volatile("int3");
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect_finished(void (*fn)(void))
{
	int status = in_child(fn);

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP,
		"status %#x", status);
}

static void load_worker(int ring_fd)
{
	params.ring_fd = ring_fd;
	if (filter_load(&policy_baseline, &params) ||
		filter_load(&policy_worker, &params))
		abort();
}

TestSuite(wsys, .timeout = 30);

Test(wsys, cookie_is_drawn)
{
	uint64_t first;

	cr_assert_eq(wsys_cookie, 0);
	cr_assert_eq(wsys_init(), 0);
	first = wsys_cookie;
	cr_assert_neq((uint32_t)first, 0);
	cr_assert_neq(first >> 32, 0);
	cr_assert_eq(wsys_init(), 0);
	cr_assert_neq(wsys_cookie, first);
}

Test(wsys, works_without_a_filter)
{
	const struct timespec soon = {0, 1000000};
	struct timespec ts = {0, 0};
	uint32_t word = 5;

	cr_assert_eq(wsys_clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	cr_assert(ts.tv_sec || ts.tv_nsec);
	cr_assert_eq(wsys_clock_gettime(12345, &ts), -EINVAL);
	cr_assert_eq(wsys_futex_wait(&word, 4, NULL), -EAGAIN);
	cr_assert_eq(wsys_futex_wait(&word, 5, &soon), -ETIMEDOUT);
	cr_assert_eq(wsys_futex_wake(&word, 1), 0);
	cr_assert_eq(wsys_io_uring_enter(-1, 0, 0, 0), -EBADF);
}

static void child_calls(void)
{
	struct io_uring_params p = {.flags = 0};
	int fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	const struct timespec soon = {0, 1000000};
	struct timespec ts;
	uint32_t word = 5;

	load_worker(fd);
	value[0] = fd >= 0;
	value[1] = wsys_clock_gettime(CLOCK_MONOTONIC, &ts);
	value[2] = wsys_futex_wait(&word, 5, &soon);
	value[3] = wsys_futex_wake(&word, 1);
	value[4] = wsys_io_uring_enter(fd, 0, 0, IORING_ENTER_GETEVENTS);
}

Test(wsys, works_under_the_filter)
{
	expect_finished(child_calls);
	cr_assert_eq(value[0], 1, "no io_uring here");
	cr_assert_eq(value[1], 0);
	cr_assert_eq(value[2], -ETIMEDOUT);
	cr_assert_eq(value[3], 0);
	cr_assert_eq(value[4], 0);
}

#ifndef GV_SANITIZED
static void child_libc(void)
{
	/* Volatile, lest the compiler know better than to call malloc. */
	volatile size_t big = 64UL << 20;
	volatile size_t small = 1000;
	struct timespec ts;
	void *volatile p;

	load_worker(9);
	errno = 0;
	value[0] = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	value[1] = errno;
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	value[2] = p == MAP_FAILED;
	value[3] = errno;
	p = malloc(big);
	value[4] = !p;
	for (int i = 0; i < 1000 && !value[5]; i++) {
		p = malloc(small);
		value[5] = !p;
	}
	p = malloc(small);
	value[6] = !p;
}

Test(wsys, libc_calls_fail_cleanly)
{
	expect_finished(child_libc);
	cr_assert_eq(value[0], -1);
	cr_assert_eq(value[1], EPERM);
	cr_assert_eq(value[2], 1);
	cr_assert_eq(value[3], ENOMEM);
	cr_assert_eq(value[4], 1);
	cr_assert_eq(value[5], 1, "the heap grew");
	cr_assert_eq(value[6], 1, "it grew the second time");
}

static void child_getpid(void)
{
	load_worker(9);
	(void)syscall(SYS_getpid);
}

static void child_wrong_cookie(void)
{
	uint32_t word = 0;

	load_worker(9);
	wsys_cookie ^= 1UL << 40;
	(void)wsys_futex_wake(&word, 1);
}

static void child_exit(void)
{
	load_worker(9);
	_exit(0);
}

/* Without a handler SIGSYS ends the process: what matters is that it comes. */
Test(wsys, everything_else_traps)
{
	cr_assert_eq(WTERMSIG(in_child(child_getpid)), SIGSYS);
	cr_assert_eq(WTERMSIG(in_child(child_wrong_cookie)), SIGSYS);
	cr_assert_eq(WTERMSIG(in_child(child_exit)), SIGSYS);
}

/* The way back from a signal, as the gate's assembly makes it. */
extern const char ret_with_cookie[];
extern const char ret_without[];
uint64_t ret_cookie;
__asm__(".pushsection .text\n"
	"ret_with_cookie:\n"
	"	mov ret_cookie(%rip), %rdi\n"
	"	mov %rdi, %rsi\n"
	"	not %rsi\n"
	"ret_without:\n"
	"	mov $15, %eax\n"
	"	syscall\n"
	"	ud2\n"
	".popsection\n");

struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	const void *restorer;
	uint64_t mask;
};

static void count_signal(int sig)
{
	(void)sig;
	value[0]++;
}

static void raise_under_filter(const void *restorer)
{
	const struct kernel_sigaction sa = {.handler = count_signal,
		.flags = 0x04000000, /* SA_RESTORER */
		.restorer = restorer};

	(void)syscall(SYS_rt_sigaction, SIGTRAP, &sa, NULL, 8);
	ret_cookie = wsys_cookie;
	load_worker(9);
	__asm__ volatile("int3");
	__asm__ volatile("int3");
	value[1] = 1;
	__builtin_trap();
}

static void child_sigreturn(void)
{
	raise_under_filter(ret_with_cookie);
}

static void child_sigreturn_bare(void)
{
	raise_under_filter(ret_without);
}

Test(wsys, sigreturn_needs_the_cookie)
{
	cr_assert_eq(WTERMSIG(in_child(child_sigreturn)), SIGILL);
	cr_assert_eq(value[0], 2);
	cr_assert_eq(value[1], 1);
	cr_assert_eq(WTERMSIG(in_child(child_sigreturn_bare)), SIGSYS);
	cr_assert_eq(value[0], 1);
	cr_assert_eq(value[1], 0);
}
#endif

/* Waits a third of a second while its parent stops and continues it. */
static void child_stopped(void)
{
	const struct timespec a_while = {0, 300000000};
	uint32_t word = 5;

	load_worker(9);
	value[0] = 1;
	value[1] = wsys_futex_wait(&word, 5, &a_while);
	value[2] = 1;
}

/* The kernel goes on with restart_syscall: same registers, other number. */
Test(wsys, a_stop_does_not_end_a_wait)
{
	int status;
	pid_t pid;

	value = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (!pid) {
		start_child();
		child_stopped();
		__asm__ volatile("int3");
	}
	while (!value[0])
		usleep(1000);
	usleep(30000);
	kill(pid, SIGSTOP);
	cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	cr_assert(WIFSTOPPED(status));
	cr_assert_eq(value[2], 0, "stopped too late to test anything");
	kill(pid, SIGCONT);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(WTERMSIG(status), SIGTRAP);
	cr_assert_eq(value[1], -ETIMEDOUT);
}

static void *thread_main(void *arg)
{
	free(malloc(1 << 20));
	value[0] = getpid() == params.pid;
	return arg;
}

/* What the daemon does under the baseline alone. */
static void child_baseline(void)
{
	struct io_uring_params p = {.flags = 0};
	struct clone_args ca = {.exit_signal = SIGCHLD};
	pthread_t t;
	int fd;

	value[9] = filter_load(&policy_baseline, &params);
	if (!pthread_create(&t, NULL, thread_main, NULL))
		(void)pthread_join(t, NULL);
	fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	value[1] = fd >= 0;
	value[2] = socket(AF_INET, SOCK_STREAM, 0) >= 0;
	value[3] = syscall(SYS_io_uring_setup, 4, &p) >= 0;
	errno = 0;
	value[4] = syscall(SYS_fork) == -1 ? errno : 0;
	value[5] = execl("/bin/true", "true", NULL) == -1 ? errno : 0;
	value[6] = syscall(SYS_clone3, &ca, sizeof(ca)) == -1 ? errno : 0;
	value[7] = socket(AF_NETLINK, SOCK_RAW, 0) == -1 ? errno : 0;
	value[8] = filter_load(&policy_worker, &params) == 0;
}

Test(wsys, baseline_lets_the_daemon_live)
{
	expect_finished(child_baseline);
	cr_expect_eq(value[9], 0);
	cr_expect_eq(value[0], 1, "threads");
	cr_expect_eq(value[1], 1, "files");
	cr_expect_eq(value[2], 1, "sockets");
	cr_expect_eq(value[3], 1, "rings");
	cr_expect_eq(value[4], EPERM, "no fork");
	cr_expect_eq(value[5], EPERM, "no exec");
	cr_expect_eq(value[6], ENOSYS, "no clone3");
	cr_expect_eq(value[7], EPERM, "no netlink");
	cr_expect_eq(value[8], 1, "a worker's own filter");
}
