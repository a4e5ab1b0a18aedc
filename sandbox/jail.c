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

/* A name, or the beginning of one when it ends in '*'. */
static bool name_is_among(const char *var, const char *const *names)
{
	size_t len = strcspn(var, "=");

	for (; *names; names++) {
		size_t n = strlen(*names);

		if ((*names)[n - 1] == '*' && !strncmp(var, *names, n - 1))
			return true;
		if (n == len && !strncmp(var, *names, n))
			return true;
	}
	return false;
}

/* What the daemon reads: its own, the journal's and the manager's. */
static const char *const env_kept[] = {"GVISOR_*", "NOTIFY_SOCKET", "LISTEN_*",
	"WATCHDOG_*", "CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY",
	"STATE_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY",
	"CONFIGURATION_DIRECTORY", "JOURNAL_STREAM", "INVOCATION_ID", "HOME",
	"XDG_RUNTIME_DIR", "TMPDIR", "PATH", "LC_ALL", NULL};

/* What libc reads before main(), or from files it names. */
static const char *const env_libc[] = {"LD_*", "GLIBC_TUNABLES", "MALLOC_*",
	"GCONV_PATH", "GETCONF_DIR", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH",
	"NIS_PATH", "NLSPATH", "RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR",
	NULL};

/* Removing by hand: unsetenv() takes a name and moves the array under us. */
static void env_filter(void)
{
	size_t kept = 0;

	for (size_t i = 0; environ && environ[i]; i++) {
		if (name_is_among(environ[i], env_kept))
			environ[kept++] = environ[i];
	}
	if (environ)
		environ[kept] = NULL;
}

int jail_env(void)
{
	env_filter();
	if (setenv("PATH", "/usr/bin:/bin", 1) || setenv("LC_ALL", "C", 1))
		return err_errno();
	return 0;
}

bool jail_env_is_clean(void)
{
	for (size_t i = 0; environ && environ[i]; i++) {
		if (name_is_among(environ[i], env_libc))
			return false;
	}
	return true;
}

int jail_rexec(char *const argv[])
{
	(void)execve("/proc/self/exe", argv, environ);
	return err_errno();
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
