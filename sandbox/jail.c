/*
 * Giving things up. Trusted side, at start; only jail_rseq_unregister() is for
 * every thread.
 */
#include "sandbox/jail.h"

#include <fcntl.h>
#include <linux/rseq.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"

int jail_env(void)
{
	static char path[] = "PATH=/usr/bin:/bin";
	static char locale[] = "LC_ALL=C";
	static char *fixed[] = {path, locale, NULL};

	/* Overwritten too: what goes may be somebody's password, and lies on
	 * the first stack, which /proc/PID/environ shows. */
	for (size_t i = 0; environ && environ != fixed && environ[i]; i++)
		explicit_bzero(environ[i], strlen(environ[i]));
	environ = fixed;
	return 0;
}

/* [from, to] closed; an empty range is none. */
static int close_between(unsigned from, unsigned to)
{
	if (from > to)
		return 0;
	return close_range(from, to, 0) ? err_errno() : 0;
}

int jail_fds(const int keep[], size_t n)
{
	unsigned next = STDERR_FILENO + 1;
	int fd;
	int err;

	for (size_t i = 0; i < n; i++) {
		CHECK(keep[i] >= 0 && (i == 0 || keep[i] > keep[i - 1]));
		if ((unsigned)keep[i] < next)
			continue;
		err = close_between(next, (unsigned)keep[i] - 1);
		if (err)
			return err;
		next = (unsigned)keep[i] + 1;
	}
	err = close_between(next, ~0U);
	if (err)
		return err;
	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return err_errno();
	} while (fd <= STDERR_FILENO);
	return close(fd) ? err_errno() : 0;
}

int jail_no_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) ? err_errno() : 0;
}

int jail_no_dump(void)
{
	return prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) ? err_errno() : 0;
}

int jail_no_core(void)
{
	const struct rlimit none = {0, 0};

	return setrlimit(RLIMIT_CORE, &none) ? err_errno() : 0;
}

void jail_umask(void)
{
	(void)umask(JAIL_UMASK);
}

int jail_raise_nofile(rlim_t *ret_limit)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return err_errno();
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l))
		return err_errno();
	*ret_limit = l.rlim_cur;
	return 0;
}

static long rseq_call(void *area, uint32_t len, int flags)
{
	return syscall(SYS_rseq, area, len, flags, RSEQ_SIG);
}

/*
 * Whether a registration remains is asked of the kernel, by registering an
 * area of our own: it refuses while there is another one. libc's word for it
 * (cpu_id) is in memory that anybody may write.
 */
static int rseq_check_gone(void)
{
	static __thread struct rseq own __attribute__((aligned(32)));
	const uint32_t len = 32;

	own.cpu_id = (uint32_t)RSEQ_CPU_ID_UNINITIALIZED;
	if (rseq_call(&own, len, 0))
		return errno == ENOSYS ? 0 : err_errno();
	return rseq_call(&own, len, RSEQ_FLAG_UNREGISTER) ? err_errno() : 0;
}

int jail_rseq_unregister(void)
{
	char *tp = __builtin_thread_pointer();

	/* libc 2.36 registers 32 bytes and reports them as the size; newer ones
	 * report the bytes in use, but never register fewer. */
	if (__rseq_size > 0) {
		uint32_t len = __rseq_size < 32 ? 32 : __rseq_size;

		(void)rseq_call(tp + __rseq_offset, len, RSEQ_FLAG_UNREGISTER);
	}
	return rseq_check_gone();
}
