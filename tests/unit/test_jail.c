/*
 * What the daemon gives up: each thing is gone afterwards, and stays gone.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/jail.h"

TestSuite(jail, .timeout = 30);

/* Exit status of fn in a child. */
static int in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	cr_assert_geq(pid, 0);
	if (!pid)
		_exit(fn());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(jail, env_is_emptied)
{
	static const char *const gone[] = {"LD_PRELOAD", "GLIBC_TUNABLES",
		"MALLOC_ARENA_MAX", "LANG", "GVISORD_SOCKET",
		"AWS_SECRET_ACCESS_KEY"};
	char secret[] = "DATABASE_SECRET=hunter2";

	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		setenv(gone[i], "x", 1);
	putenv(secret);
	setenv("PATH", "/evil", 1);
	setenv("LC_ALL", "tr_TR", 1);
	cr_assert_eq(jail_env(), 0);
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		cr_expect_null(getenv(gone[i]), "%s", gone[i]);
	for (size_t i = 0; i < sizeof(secret); i++)
		cr_expect_eq(secret[i], 0);
	cr_expect_str_eq(getenv("LC_ALL"), "C");
	cr_expect_str_eq(getenv("PATH"), "/usr/bin:/bin");
	cr_assert_eq(jail_env(), 0);
	cr_expect_str_eq(getenv("LC_ALL"), "C");
}

Test(jail, env_of_nothing)
{
	cr_assert_eq(clearenv(), 0);
	cr_assert_eq(jail_env(), 0);
	cr_assert_str_eq(getenv("LC_ALL"), "C");
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* 0 if only 0, 1, 2 and the two kept are open. */
static int child_fds(void)
{
	const int keep[] = {10, 12};

	for (int fd = 3; fd < 40; fd++)
		(void)dup2(STDERR_FILENO, fd);
	(void)dup2(STDERR_FILENO, 900);
	(void)close(STDIN_FILENO);
	if (jail_fds(keep, 2))
		return 1;
	for (int fd = 0; fd < 1000; fd++) {
		bool want = fd < 3 || fd == 10 || fd == 12;

		if (is_open(fd) != want)
			return 2;
	}
	return 0;
}

Test(jail, fds_leaves_what_is_kept)
{
	cr_assert_eq(in_child(child_fds), 0);
}

/* Kept ones below 3 and next to each other; a closed one stays closed. */
static int child_fds_edges(void)
{
	const int keep[] = {0, 2, 3, 4, 77};

	for (int fd = 3; fd < 9; fd++)
		(void)dup2(STDERR_FILENO, fd);
	(void)close(77);
	if (jail_fds(keep, 5))
		return 1;
	if (!is_open(0) || !is_open(2) || !is_open(3) || !is_open(4))
		return 2;
	if (is_open(5) || is_open(8) || is_open(77))
		return 3;
	if (jail_fds(NULL, 0))
		return 4;
	return is_open(3) || is_open(4) || !is_open(2);
}

Test(jail, fds_edges)
{
	cr_assert_eq(in_child(child_fds_edges), 0);
}

Test(jail, no_new_privs)
{
	cr_assert_eq(jail_no_new_privs(), 0);
	cr_assert_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	cr_assert_eq(jail_no_new_privs(), 0);
}

static int child_no_dump(void)
{
	if (prctl(PR_GET_DUMPABLE) != 1)
		return 1;
	if (jail_no_dump())
		return 2;
	return prctl(PR_GET_DUMPABLE) != 0;
}

Test(jail, no_dump)
{
	cr_assert_eq(in_child(child_no_dump), 0);
}

Test(jail, no_core)
{
	struct rlimit l;

	cr_assert_eq(jail_no_core(), 0);
	cr_assert_eq(getrlimit(RLIMIT_CORE, &l), 0);
	cr_assert_eq(l.rlim_cur, 0);
	cr_assert_eq(l.rlim_max, 0);
}

Test(jail, umask)
{
	(void)umask(0);
	jail_umask();
	cr_assert_eq(umask(0), (mode_t)JAIL_UMASK);
}

Test(jail, raise_nofile)
{
	struct rlimit l;
	rlim_t got = 0;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = 64;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &l), 0);
	cr_assert_eq(jail_raise_nofile(&got), 0);
	cr_assert_eq(got, l.rlim_max);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &l), 0);
	cr_assert_eq(l.rlim_cur, l.rlim_max);
}

/* The kernel writes cpu_id at each preemption of a registered thread. */
static volatile uint32_t *libc_cpu_id(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;

	return (volatile uint32_t *)(void *)(area +
					     offsetof(struct rseq, cpu_id));
}

static int sleep_and_read(void)
{
	for (int i = 0; i < 20; i++) {
		usleep(500);
		sched_yield();
	}
	return (int)*libc_cpu_id();
}

Test(jail, rseq_is_gone_and_stays_gone)
{
	if (__rseq_size)
		cr_assert_geq(sleep_and_read(), 0, "control: it is there");
	cr_assert_eq(jail_rseq_unregister(), 0);
	*libc_cpu_id() = 0x7777;
	cr_assert_eq(sleep_and_read(), 0x7777, "the kernel still writes");
	cr_assert_eq(jail_rseq_unregister(), 0, "a second time is harmless");
	*libc_cpu_id() = 0x7777;
	cr_assert_eq(sleep_and_read(), 0x7777);
}

static void *thread_main(void *arg)
{
	int *before_after = arg;

	before_after[0] = sleep_and_read();
	before_after[1] = jail_rseq_unregister();
	*libc_cpu_id() = 0x7777;
	before_after[2] = sleep_and_read();
	return NULL;
}

static void run_thread(int before_after[3])
{
	pthread_t t;

	cr_assert_eq(pthread_create(&t, NULL, thread_main, before_after), 0);
	cr_assert_eq(pthread_join(t, NULL), 0);
	cr_assert_eq(before_after[1], 0);
	cr_assert_eq(before_after[2], 0x7777);
}

/* Each thread has its own registration, which it inherits as libc's habit:
 * once the starter has none, new threads are not registered at all. */
Test(jail, rseq_is_gone_thread_by_thread)
{
	int before_after[3];

	run_thread(before_after);
	if (__rseq_size)
		cr_assert_geq(before_after[0], 0, "control: it was there");
	cr_assert_eq(jail_rseq_unregister(), 0);
	run_thread(before_after);
	cr_assert_lt(before_after[0], 0);
}

/* Somebody else's registration is not ours to end; but it is told. */
Test(jail, rseq_registration_that_remains_is_an_error)
{
	static struct rseq other __attribute__((aligned(32)));

	cr_assert_eq(jail_rseq_unregister(), 0);
	cr_assert_eq(syscall(SYS_rseq, &other, 32, 0, RSEQ_SIG), 0);
	cr_assert_lt(jail_rseq_unregister(), 0);
	cr_assert_eq(
		syscall(SYS_rseq, &other, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG),
		0);
	cr_assert_eq(jail_rseq_unregister(), 0);
}
