/*
 * Compilers are run as a shell would run them: found in PATH, with the user's
 * environment and rights. The directory is made with a name that nobody could
 * foresee and rights for us alone, so that nobody can put anything in.
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

static int await(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return err_errno();
	return 0;
}

int compiler_run(struct cli *cli, const struct words *w)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction interrupt, quit;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int status = 0, r;
	pid_t pid;

	(void)fflush(cli->out);
	(void)sigaction(SIGINT, &ignore, &interrupt);
	(void)sigaction(SIGQUIT, &ignore, &quit);
	(void)posix_spawnattr_init(&attributes);
	(void)sigemptyset(&defaults);
	/* What was ignored before us stays so: nohup. */
	if (interrupt.sa_handler != SIG_IGN)
		(void)sigaddset(&defaults, SIGINT);
	if (quit.sa_handler != SIG_IGN)
		(void)sigaddset(&defaults, SIGQUIT);
	(void)posix_spawnattr_setsigdefault(&attributes, &defaults);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	r = -posix_spawnp(&pid, w->at[0], NULL, &attributes, w->at, environ);
	(void)posix_spawnattr_destroy(&attributes);
	if (r == 0)
		r = await(pid, &status);
	(void)sigaction(SIGINT, &interrupt, NULL);
	(void)sigaction(SIGQUIT, &quit, NULL);
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
	if (!mkdtemp(path)) {
		(void)cli_fail(cli, 0, "cannot make a directory in %s: %s",
			where, strerror(errno));
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
