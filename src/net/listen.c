/*
 * Listening sockets (control thread, trusted side).
 *
 * The Unix socket is bound under a name of its own and renamed into place once
 * it listens: whoever finds the path can connect, with the right mode from the
 * start, and a stale file is replaced without a moment in which there is none.
 * From the look at what is there to the rename the directory is locked, so that
 * of two daemons that start at once the second finds the first.
 */
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	LISTEN_BACKLOG = 4096,
	LISTEN_TRIES = 10, /* while a dead daemon's listener lingers on */
	LISTEN_TRY_MS = 100,
};

__attribute__((format(printf, 4, 5))) static int fail(
	int error, char *err, size_t err_size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err, err_size, fmt, ap);
	va_end(ap);
	return error;
}

/*
 * Does somebody listen there? A connection that is dropped at once, with not a
 * word said, was taken by a listener on its way out: the kernel ends a killed
 * daemon's rings a little after the daemon.
 */
static bool unix_is_alive(const struct sockaddr_un *sa)
{
	char byte;

	for (int tries = 0; tries < LISTEN_TRIES; tries++) {
		AUTO_CLOSE int fd =
			socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
			return errno != ECONNREFUSED;
		if (poll(&p, 1, LISTEN_TRY_MS) <= 0 ||
			recv(fd, &byte, 1, MSG_DONTWAIT) > 0)
			return true;
		(void)usleep(LISTEN_TRY_MS * 1000);
	}
	return true;
}

/* 0: the path is free or holds a dead socket. */
static int unix_may_take(const char *path, const struct sockaddr_un *sa,
	char *err, size_t err_size)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0
				       : fail(err_errno(), err, err_size,
						 "%s: %m", path);
	if (!S_ISSOCK(st.st_mode))
		return fail(-EEXIST, err, err_size,
			"%s: exists and is no socket", path);
	/* Whose socket it is can't be asked either. */
	if (access(path, W_OK) < 0 && errno == EACCES)
		return fail(-EACCES, err, err_size,
			"%s: a socket that belongs to somebody else", path);
	if (unix_is_alive(sa))
		return fail(-EADDRINUSE, err, err_size,
			"%s: already running (something listens there)", path);
	return 0;
}

/* The directory of path, locked; -1: it can't be, which only costs the order
 * between two starts. Nobody who holds the lock for long holds up a start. */
static int unix_lock(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = ".";
	const char *slash = strrchr(path, '/');
	int fd;

	if (slash)
		(void)snprintf(dir, sizeof(dir), "%.*s",
			slash > path ? (int)(slash - path) : 1, path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < LISTEN_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			break;
		(void)usleep(LISTEN_TRY_MS * 1000);
	}
	return fd;
}

/* A name beside path, or where that is too long path itself. */
static void unix_own_name(const char *path, char *ret_name, size_t size)
{
	int n = snprintf(ret_name, size, "%s.%d", path, (int)getpid());

	if (n < 0 || (size_t)n >= size)
		(void)strcpy(ret_name, path);
}

static int unix_bind(int fd, const char *tmp, char *err, size_t err_size)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	(void)strcpy(sa.sun_path, tmp);
	(void)unlink(tmp);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return fail(err_errno(), err, err_size, "%s: %m", tmp);
	if (chmod(tmp, 0660) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		return fail(err_errno(), err, err_size, "%s: %m", tmp);
	return 0;
}

int listen_unix(const char *path, char *err, size_t err_size, int *ret_fd)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char tmp[sizeof(sa.sun_path)];
	AUTO_CLOSE int fd = -1;
	AUTO_CLOSE int lock = -1;
	int r;

	if (strlen(path) >= sizeof(sa.sun_path))
		return fail(-ENAMETOOLONG, err, err_size,
			"%s: longer than a socket path may be (%zu bytes)",
			path, sizeof(sa.sun_path) - 1);
	(void)strcpy(sa.sun_path, path);
	lock = unix_lock(path);
	r = unix_may_take(path, &sa, err, err_size);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(err_errno(), err, err_size, "socket: %m");
	unix_own_name(path, tmp, sizeof(tmp));
	r = unix_bind(fd, tmp, err, err_size);
	if (r == 0 && rename(tmp, path) < 0)
		r = fail(err_errno(), err, err_size, "%s: %m", path);
	if (r < 0) {
		(void)unlink(tmp);
		return r;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

void listen_unlink(const char *path, int fd)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	AUTO_CLOSE int probe = -1;

	/* Once ours is shut down a connect succeeds only if another daemon has
	 * taken the path over: then the file stays. */
	if (strlen(path) >= sizeof(sa.sun_path))
		return;
	(void)shutdown(fd, SHUT_RDWR);
	(void)strcpy(sa.sun_path, path);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return;
	if (connect(probe, (struct sockaddr *)&sa, sizeof(sa)) < 0 &&
		errno == ECONNREFUSED)
		(void)unlink(path);
}

static int tcp_parse(
	const char *addr, struct sockaddr_storage *ret_sa, socklen_t *ret_len)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret_sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_sa;
	const char *colon = strrchr(addr, ':');
	char host[INET6_ADDRSTRLEN + 2], *end;
	unsigned long port;
	size_t len;

	if (!colon || (len = (size_t)(colon - addr)) >= sizeof(host))
		return -EINVAL;
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || port > 65535)
		return -EINVAL;
	memset(ret_sa, 0, sizeof(*ret_sa));
	if (addr[0] == '[' && len > 2 && addr[len - 1] == ']') {
		memcpy(host, addr + 1, len - 2);
		host[len - 2] = '\0';
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(*in6);
		return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1
			       ? 0
			       : -EINVAL;
	}
	memcpy(host, addr, len);
	host[len] = '\0';
	/* As the configuration takes it; no resolver is asked. */
	if (strcmp(host, "localhost") == 0)
		(void)strcpy(host, "127.0.0.1");
	in4->sin_family = AF_INET;
	in4->sin_port = htons((uint16_t)port);
	*ret_len = sizeof(*in4);
	return inet_pton(AF_INET, host, &in4->sin_addr) == 1 ? 0 : -EINVAL;
}

/* What connections inherit is set here, since workers make no setsockopt:
 * replies are one send each, so Nagle would only delay pipelined ones. */
static int tcp_socket(
	const struct sockaddr_storage *sa, socklen_t len, int *ret_fd)
{
	const int on = 1;
	AUTO_CLOSE int fd = socket(sa->ss_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);

	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
		bind(fd, (const struct sockaddr *)sa, len) < 0 ||
		listen(fd, LISTEN_BACKLOG) < 0)
		return err_errno();
	*ret_fd = fd;
	fd = -1;
	return 0;
}

unsigned listen_port(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return 0;
	if (sa.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&sa)->sin_port);
	if (sa.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
	return 0;
}

/* SO_REUSEPORT would let a second daemon of the same user share the port
 * unnoticed, or pick a port for 0 that another one shares; a bind without it
 * finds out, and picks. */
static int tcp_probe(struct sockaddr_storage *sa, socklen_t len)
{
	const int on = 1;
	AUTO_CLOSE int fd =
		socket(sa->ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (const struct sockaddr *)sa, len) < 0)
		return err_errno();
	((struct sockaddr_in *)sa)->sin_port = htons((uint16_t)listen_port(fd));
	return 0;
}

int listen_tcp(
	const char *addr, unsigned n, char *err, size_t err_size, int *ret_fds)
{
	struct sockaddr_storage sa;
	socklen_t len;
	unsigned made = 0;
	int r = tcp_parse(addr, &sa, &len);

	if (r < 0)
		return fail(r, err, err_size,
			"%s: not an address like 127.0.0.1:8080 or [::1]:8080",
			addr);
	r = tcp_probe(&sa, len);
	for (int i = 1; r == -EADDRINUSE && i < LISTEN_TRIES; i++) {
		(void)usleep(LISTEN_TRY_MS * 1000);
		r = tcp_probe(&sa, len);
	}
	for (; r == 0 && made < n; made++) {
		r = tcp_socket(&sa, len, &ret_fds[made]);
		if (r < 0)
			break;
	}
	if (r == 0)
		return 0;
	while (made > 0)
		(void)close(ret_fds[--made]);
	return fail(r, err, err_size, "%s: %s", addr, strerror(-r));
}
