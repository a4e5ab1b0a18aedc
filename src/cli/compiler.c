/*
 * Compilers are run as a shell would run them: found in PATH, with the user's
 * environment and rights. The directory is made with a name that nobody could
 * foresee and rights for us alone, so that nobody can put anything in.
 *
 * A compiler is several processes, of which the first may be the only one that
 * a signal ends. So it is a process group of its own, and as long as there is
 * a directory, signals that would end us end that group instead: the directory
 * is removed on the way out as ever.
 */
#include "cli/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/err.h"

#define FILES_OPEN 8

/* Words ---------------------------------------------------------------------*/

static void words_push(struct words *w, char *word)
{
	w->at = reallocarray(w->at, w->n + 2, sizeof(*w->at));
	CHECK(w->at && word);
	w->at[w->n++] = word;
	w->at[w->n] = NULL;
}

void words_add(struct words *w, const char *fmt, ...)
{
	va_list ap;
	char *word;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&word, fmt, ap);
	va_end(ap);
	words_push(w, r < 0 ? NULL : word);
}

void words_add_all(struct words *w, const char *const *list)
{
	for (; *list; list++)
		words_push(w, strdup(*list));
}

void words_fini(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->at[i]);
	free(w->at);
}

/* Programs ------------------------------------------------------------------*/

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

static bool in_path(const char *name)
{
	const char *dirs = getenv("PATH");
	size_t len;

	for (; dirs && *dirs; dirs += len + (dirs[len] == ':')) {
		AUTO_FREE char *path = NULL;

		len = strcspn(dirs, ":");
		if (asprintf(&path, "%.*s/%s", (int)len, dirs, name) < 0) {
			path = NULL;
			return false;
		}
		if (len > 0 && is_program(path))
			return true;
	}
	return false;
}

const char *compiler_find(const char *const *names)
{
	for (; *names; names++)
		if (in_path(*names))
			return *names;
	return NULL;
}

/* Signals -------------------------------------------------------------------*/

static const int ends[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

enum {
	N_ENDS = sizeof(ends) / sizeof(*ends)
};

static volatile sig_atomic_t group; /* of the compiler; 0: none runs */
static volatile sig_atomic_t ended_by;
static struct sigaction before[N_ENDS], before_output;

/* Who is not ended by the first is ended by the second. */
static void on_end(int signal)
{
	int e = errno;

	if (group)
		(void)kill(-group, ended_by ? SIGKILL : signal);
	ended_by = signal;
	errno = e;
}

static void ends_set(sigset_t *ret_set)
{
	(void)sigemptyset(ret_set);
	for (int i = 0; i < N_ENDS; i++)
		(void)sigaddset(ret_set, ends[i]);
}

/* What was ignored before us stays so: nohup. */
static void ends_take(void)
{
	struct sigaction take = {.sa_handler = on_end, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	ends_set(&take.sa_mask);
	ended_by = 0;
	for (int i = 0; i < N_ENDS; i++) {
		(void)sigaction(ends[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			(void)sigaction(ends[i], &take, NULL);
	}
	/* It writes to our terminal from another group. */
	(void)sigaction(SIGTTOU, &ignore, &before_output);
}

static void ends_give_back(void)
{
	for (int i = 0; i < N_ENDS; i++)
		(void)sigaction(ends[i], &before[i], NULL);
	(void)sigaction(SIGTTOU, &before_output, NULL);
}

/* Running -------------------------------------------------------------------*/

static int spawn(const struct words *w, const sigset_t *mask, pid_t *ret_pid)
{
	posix_spawnattr_t a;
	int r;

	(void)posix_spawnattr_init(&a);
	(void)posix_spawnattr_setpgroup(&a, 0);
	(void)posix_spawnattr_setsigmask(&a, mask);
	(void)posix_spawnattr_setflags(
		&a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	r = -posix_spawnp(ret_pid, w->at[0], NULL, &a, w->at, environ);
	(void)posix_spawnattr_destroy(&a);
	return r;
}

/* It is not gone before its group's number is not ours any more. */
static int await(pid_t pid, int *ret_status)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
		if (errno != EINTR)
			return err_errno();
	group = 0;
	/* Others of it may not have heard. */
	if (ended_by)
		(void)kill(-pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return err_errno();
	return 0;
}

/* A signal comes before, and there is no compiler, or behind, and there is one
 * to be ended. */
static int run(const struct words *w, int *ret_status)
{
	sigset_t mask, old;
	pid_t pid = 0;
	int r = -EINTR;

	ends_set(&mask);
	(void)sigprocmask(SIG_BLOCK, &mask, &old);
	if (!ended_by)
		r = spawn(w, &old, &pid);
	group = pid;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return r == 0 ? await(pid, ret_status) : r;
}

int compiler_run(struct cli *cli, const struct words *w)
{
	int status = 0, r;

	(void)fflush(cli->out);
	r = run(w, &status);
	if (ended_by)
		return cli_fail(cli, 128 + ended_by, "%s", strsignal(ended_by));
	if (r)
		return cli_fail(
			cli, 127, "cannot run %s: %s", w->at[0], strerror(-r));
	if (WIFSIGNALED(status))
		return cli_fail(cli, 128 + WTERMSIG(status), "%s: %s", w->at[0],
			strsignal(WTERMSIG(status)));
	return WEXITSTATUS(status);
}

/* Directory -----------------------------------------------------------------*/

static int remove_one(
	const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	(void)remove(path);
	return 0;
}

void compiler_dir_freep(char **path)
{
	if (!*path)
		return;
	(void)nftw(*path, remove_one, FILES_OPEN, FTW_DEPTH | FTW_PHYS);
	ends_give_back();
	free(*path);
	*path = NULL;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno();
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_header(const char *dir)
{
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = -1;

	if (asprintf(&path, "%s/gvisor", dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (mkdir(path, 0700) < 0)
		return err_errno();
	free(path);
	if (asprintf(&path, "%s/gvisor/function.h", dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		0600);
	if (fd < 0)
		return err_errno();
	return write_all(fd, compiler_function_h, strlen(compiler_function_h));
}

char *compiler_dir_new(struct cli *cli)
{
	const char *where = getenv("TMPDIR");
	char *path;
	int r;

	if (!where || !*where)
		where = "/tmp";
	if (asprintf(&path, "%s/gvisord-build-XXXXXX", where) < 0)
		return NULL;
	ends_take();
	if (!mkdtemp(path)) {
		(void)cli_fail(cli, 0, "cannot make a directory in %s: %s",
			where, strerror(errno));
		ends_give_back();
		free(path);
		return NULL;
	}
	r = write_header(path);
	if (r == 0)
		return path;
	(void)cli_fail(cli, 0, "cannot write to %s: %s", path, strerror(-r));
	compiler_dir_freep(&path);
	return NULL;
}
