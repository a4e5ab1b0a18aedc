/* See daemon.h. */
#include "tests/probe/daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ARGS_MAX = 32,
	PATIENCE_MS = 20000,
	HEAD_MAX = 1024,
	ARRIVES_S = 60, /* the longest wait for a reply */
};

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(
	const char *text, ...)
{
	va_list ap;

	printf("Bail out! ");
	va_start(ap, text);
	(void)vprintf(text, ap);
	va_end(ap);
	printf(": %s\n", strerror(errno));
	(void)fflush(stdout);
	_exit(1);
}

/* The process. --------------------------------------------------------------
 */

static int by_number(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A kernel thread that does what a ring put off: never in user mode. */
static bool is_io_worker(pid_t pid, pid_t task)
{
	enum {
		IO_WORKER = 0x10, /* PF_IO_WORKER */
		FIELD = 7	  /* of those behind the name */
	};
	char path[64], line[512] = "";
	unsigned flags = 0;
	char *at;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, task);
	f = fopen(path, "re");
	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		(void)fclose(f);
	at = strrchr(line, ')');
	for (int i = 0; at && i < FIELD; i++)
		at = strchr(at + 1, ' ');
	if (at)
		flags = (unsigned)strtoul(at, NULL, 10);
	return flags & IO_WORKER;
}

static unsigned tasks_of(pid_t pid, pid_t ret_task[DAEMON_TASKS])
{
	char path[64];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir)) && n < DAEMON_TASKS)
		if (e->d_name[0] != '.') {
			ret_task[n] = (pid_t)strtol(e->d_name, NULL, 10);
			n += !is_io_worker(pid, ret_task[n]);
		}
	if (dir)
		(void)closedir(dir);
	qsort(ret_task, n, sizeof(*ret_task), by_number);
	return n;
}

/* From root to nobody in particular: whether the process can be looked into by
 * its own user does not show with root. */
static void become(uid_t uid)
{
	if (uid != 0 && (setgid(uid) != 0 || setuid(uid) != 0))
		_exit(126);
}

static void daemon_exec(
	const struct daemon *d, const char *program, const char *const more[])
{
	const char *argv[ARGS_MAX] = {
		program, "serve", "--socket", d->socket, NULL};
	size_t n = 4;

	while (more && *more && n + 1 < ARGS_MAX)
		argv[n++] = *more++;
	argv[n] = NULL;
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	become(d->uid);
	execv(program, (char *const *)argv);
	_exit(127);
}

static int try_connect(const struct daemon *d)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", d->socket);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* False: it ended instead. */
static bool daemon_await(const struct daemon *d)
{
	for (unsigned ms = 0; ms < PATIENCE_MS; ms++) {
		int fd = try_connect(d);

		if (fd >= 0) {
			(void)close(fd);
			return true;
		}
		if (waitpid(d->pid, NULL, WNOHANG) == d->pid)
			return false;
		(void)usleep(1000);
	}
	give_up("the daemon does not listen");
}

static bool daemon_launch(
	struct daemon *d, const char *program, const char *const more[])
{
	struct reply r;
	struct client c = {d, -1, ARRIVES_S * 1000};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(d->dir, sizeof(d->dir), "/tmp/gvisord-test-XXXXXX");
	if (!mkdtemp(d->dir))
		give_up("mkdtemp");
	if (d->uid != 0 && chown(d->dir, d->uid, d->uid) != 0)
		give_up("chown");
	(void)snprintf(d->socket, sizeof(d->socket), "%s/socket", d->dir);
	(void)fflush(NULL);
	d->pid = fork();
	if (d->pid == 0)
		daemon_exec(d, program, more);
	if (d->pid < 0)
		give_up("fork");
	if (!daemon_await(d)) {
		(void)rmdir(d->dir);
		return false;
	}
	/* It may still end: a start that goes wrong late. */
	do {
		client_send(&c, "GET /readyz", "", NULL, &r);
	} while (r.status == 503);
	client_fini(&c);
	if (r.status != 200) {
		(void)daemon_kill(d);
		return false;
	}
	d->n_tasks = tasks_of(d->pid, d->task);
	return true;
}

void daemon_start(
	struct daemon *d, const char *program, const char *const more[])
{
	daemon_start_as(d, 0, program, more);
}

void daemon_start_as(struct daemon *d, uid_t uid, const char *program,
	const char *const more[])
{
	*d = (struct daemon){.uid = uid};
	if (!daemon_launch(d, program, more))
		give_up("the daemon did not start");
}

bool daemon_try(struct daemon *d, const char *program, const char *const more[])
{
	*d = (struct daemon){.uid = 0};
	return daemon_launch(d, program, more);
}

bool daemon_stop(struct daemon *d)
{
	int status = -1;

	(void)kill(d->pid, SIGTERM);
	for (unsigned ms = 0; ms < PATIENCE_MS; ms++) {
		if (waitpid(d->pid, &status, WNOHANG) == d->pid)
			break;
		(void)usleep(1000);
	}
	if (status == -1)
		(void)daemon_kill(d);
	(void)unlink(d->socket);
	(void)rmdir(d->dir);
	return status == 0;
}

int daemon_kill(struct daemon *d)
{
	int status = 0;

	(void)kill(d->pid, SIGKILL);
	(void)waitpid(d->pid, &status, 0);
	(void)unlink(d->socket);
	(void)rmdir(d->dir);
	return status;
}

int daemon_died(struct daemon *d, unsigned ms)
{
	int status = 0;

	for (; ms > 0 && waitpid(d->pid, &status, WNOHANG) == 0; ms--)
		(void)usleep(1000);
	(void)unlink(d->socket);
	(void)rmdir(d->dir);
	return status;
}

bool daemon_same(const struct daemon *d)
{
	pid_t task[DAEMON_TASKS];
	unsigned n = tasks_of(d->pid, task);

	return n > 0 && n == d->n_tasks &&
	       memcmp(task, d->task, n * sizeof(*task)) == 0;
}

static unsigned count_lines(const struct daemon *d, const char *file)
{
	char path[64];
	unsigned n = 0;
	FILE *f;
	int c;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", d->pid, file);
	f = fopen(path, "re");
	while (f && (c = getc(f)) != EOF)
		n += c == '\n';
	if (f)
		(void)fclose(f);
	return n;
}

unsigned daemon_count_maps(const struct daemon *d, const char *name)
{
	char path[64], line[512];
	unsigned n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", d->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, name) != NULL;
	if (f)
		(void)fclose(f);
	return n;
}

bool daemon_maps(const struct daemon *d, const char *name)
{
	return daemon_count_maps(d, name) > 0;
}

unsigned daemon_files(const struct daemon *d, const char *name)
{
	char path[300], target[256];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", d->pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		ssize_t len;

		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%.32s", d->pid,
			e->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		n += strstr(target, name) != NULL;
	}
	if (dir)
		(void)closedir(dir);
	return n;
}

static unsigned count_fds(const struct daemon *d)
{
	char path[64];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", d->pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.';
	if (dir)
		(void)closedir(dir);
	return n;
}

static bool proc_line(const struct daemon *d, const char *file,
	const char *name, char *ret_line, size_t size)
{
	char path[64];
	bool found = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", d->pid, file);
	f = fopen(path, "re");
	while (f && !found && fgets(ret_line, (int)size, f))
		found = strncmp(ret_line, name, strlen(name)) == 0;
	if (f)
		(void)fclose(f);
	return found;
}

void daemon_use(const struct daemon *d, struct daemon_use *ret_use)
{
	pid_t task[DAEMON_TASKS];
	char line[256];

	ret_use->fds = count_fds(d);
	ret_use->tasks = tasks_of(d->pid, task);
	ret_use->maps = count_lines(d, "maps");
	ret_use->rss = 0;
	if (proc_line(d, "status", "VmRSS:", line, sizeof(line)))
		ret_use->rss = strtoull(line + strlen("VmRSS:"), NULL, 10)
			       << 10;
}

bool daemon_says(const struct daemon *d, const char *file, const char *name,
	const char *want)
{
	char line[256];

	return proc_line(d, file, name, line, sizeof(line)) &&
	       strstr(line + strlen(name), want);
}

/* HTTP. ---------------------------------------------------------------------
 */

static bool client_connect(struct client *c)
{
	const struct timeval longest = {
		.tv_sec = c->patience_ms / 1000,
		.tv_usec = c->patience_ms % 1000 * 1000,
	};

	c->fd = try_connect(c->daemon);
	if (c->fd < 0)
		return false;
	(void)setsockopt(
		c->fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest));
	return true;
}

void client_init(struct client *c, const struct daemon *d)
{
	c->daemon = d;
	c->patience_ms = ARRIVES_S * 1000;
	if (!client_connect(c))
		give_up("connect to %s", d->socket);
}

void client_patience(struct client *c, unsigned ms)
{
	c->patience_ms = ms;
	if (c->fd >= 0)
		(void)close(c->fd);
	(void)client_connect(c);
}

void client_fini(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

/* Reads one reply. Head and body must fit. False: it did not come. */
static bool take_reply(int fd, struct reply *r)
{
	char mem[REPLY_BYTES + 4096];
	size_t have = 0, head = 0, want = 0;

	while (!head || have < head + want) {
		ssize_t n = read(fd, mem + have, sizeof(mem) - 1 - have);
		char *p;

		if (n <= 0)
			return false;
		have += (size_t)n;
		mem[have] = '\0';
		p = strstr(mem, "\r\n\r\n");
		if (!head && p) {
			head = (size_t)(p + 4 - mem);
			p = strcasestr(mem, "\r\nContent-Length:");
			want = p ? strtoull(p + 17, NULL, 10) : 0;
			if (want > REPLY_BYTES)
				give_up("a reply of %zu bytes", want);
		}
	}
	r->status = (int)strtol(mem + strlen("HTTP/1.1 "), NULL, 10);
	r->len = want;
	memcpy(r->body, mem + head, want);
	r->body[want] = '\0';
	return true;
}

static void take_code(struct reply *r)
{
	static const char key[] = "\"code\":\"";
	const char *p = r->status >= 400 ? strstr(r->body, key) : NULL;

	if (!p)
		return;
	p += sizeof(key) - 1;
	(void)snprintf(
		r->code, sizeof(r->code), "%.*s", (int)strcspn(p, "\""), p);
}

/* What is left of a connection that failed is of no use. */
static void hang_up(struct client *c)
{
	(void)close(c->fd);
	c->fd = -1;
}

void client_send_bytes(struct client *c, const char *start, const char *headers,
	const struct body *body, struct reply *ret_reply)
{
	char head[HEAD_MAX];
	bool sent;
	int n = snprintf(head, sizeof(head),
		"%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n",
		start, headers, body->len);

	if (n < 0 || (size_t)n >= sizeof(head))
		give_up("a request too long for this client");
	ret_reply->status = 0;
	ret_reply->len = 0;
	ret_reply->body[0] = ret_reply->code[0] = '\0';
	if (c->fd < 0 && !client_connect(c))
		return;
	sent = send_all(c->fd, head, (size_t)n) &&
	       send_all(c->fd, body->bytes, body->len);
	/* One that is refused by its head is answered before its end. */
	if (take_reply(c->fd, ret_reply))
		take_code(ret_reply);
	else
		sent = false;
	if (!sent)
		hang_up(c);
}

void client_send(struct client *c, const char *start, const char *headers,
	const char *body, struct reply *ret_reply)
{
	const struct body b = {body ? body : "", body ? strlen(body) : 0};

	client_send_bytes(c, start, headers, &b, ret_reply);
}

int client_deploy(struct client *c, const char *name, const char *type,
	const char *code, const char *options)
{
	const struct body body = {code, strlen(code)};
	struct reply r;

	client_put(c, name, type, &body, options, &r);
	return r.status;
}

/* Names without a tenant are the default's. */
static const char *tenant_of(const char *name)
{
	return strchr(name, '/') ? "" : "default/";
}

void client_put(struct client *c, const char *name, const char *type,
	const struct body *code, const char *options, struct reply *ret_reply)
{
	char start[256], headers[128];

	(void)snprintf(start, sizeof(start), "PUT /v1/functions/%s%s%s",
		tenant_of(name), name, options);
	(void)snprintf(headers, sizeof(headers), "Content-Type: %s\r\n", type);
	client_send_bytes(c, start, headers, code, ret_reply);
}

void client_delete(struct client *c, const char *name, struct reply *ret_reply)
{
	char start[256];

	(void)snprintf(start, sizeof(start), "DELETE /v1/functions/%s%s",
		tenant_of(name), name);
	client_send(c, start, "", NULL, ret_reply);
}

void client_invoke(struct client *c, const char *name, const char *body,
	struct reply *ret_reply)
{
	char start[256];

	(void)snprintf(start, sizeof(start), "POST /v1/functions/%s%s/invoke",
		tenant_of(name), name);
	client_send(c, start, "", body, ret_reply);
}

int64_t reply_number(const struct reply *r, const char *key)
{
	char quoted[64];
	const char *p;

	(void)snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	p = strstr(r->body, quoted);
	return p ? strtoll(p + strlen(quoted), NULL, 10) : -1;
}
