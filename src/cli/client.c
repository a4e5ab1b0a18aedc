/*
 * The connection half of the client: connect, send, receive, all against one
 * deadline on a non-blocking socket.
 *
 * While a request is being sent the socket is watched for a reply as well: a
 * daemon that refuses a large body answers early and closes, and the answer
 * says why while the broken pipe does not.
 *
 * Client process; the other end is not trusted.
 */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/client_reply.h"
#include "daemon/config.h"
#include "util/gbuf.h"

struct conn {
	int fd;
	int64_t deadline_ms; /* 0: none */
	const struct client_target *target;
};

bool client_target_unix(const char *path, struct client_target *ret_target)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct client_target t = {.addr_len = sizeof(un), .host = "localhost"};

	if (*path == '\0' || strlen(path) >= sizeof(un.sun_path))
		return false;
	strcpy(un.sun_path, path);
	memcpy(&t.addr, &un, sizeof(un));
	strcpy(t.name, path);
	*ret_target = t;
	return true;
}

bool client_target_url(const char *url, struct client_target *ret_target)
{
	struct client_target t = {0};
	char text[CONFIG_TCP_SIZE];
	size_t len;

	if (strncmp(url, "http://", 7) != 0)
		return false;
	url += 7;
	len = strcspn(url, "/");
	if (len >= sizeof(text) || (url[len] == '/' && url[len + 1] != '\0'))
		return false;
	memcpy(text, url, len);
	text[len] = '\0';
	if (!config_addr_parse(text, &t.addr, &t.addr_len))
		return false;
	(void)snprintf(t.name, sizeof(t.name), "http://%s", text);
	(void)snprintf(t.host, sizeof(t.host), "%s", text);
	*ret_target = t;
	return true;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int timed_out(const struct conn *c, struct client_error *err)
{
	return client_fail(err, CLIENT_E_TIMEOUT, "no answer from %s in time",
		c->target->name);
}

/* 0 once one of the events (or an error to be found by trying) is there. */
static int wait_for(const struct conn *c, short events,
	struct client_error *err, short *ret_events)
{
	struct pollfd p = {.fd = c->fd, .events = events};

	for (;;) {
		int64_t left = -1;
		int n;

		if (c->deadline_ms) {
			left = c->deadline_ms - now_ms();
			if (left <= 0)
				return timed_out(c, err);
			/* What is longer than an hour is waited for in turns.
			 */
			left = left > 3600000 ? 3600000 : left;
		}
		n = poll(&p, 1, (int)left);
		if (n > 0) {
			*ret_events = p.revents;
			return 0;
		}
		if (n < 0 && errno != EINTR)
			return err_errno();
	}
}

static int unreachable(
	const struct conn *c, int error, struct client_error *err)
{
	return client_fail(err, CLIENT_E_UNREACHABLE,
		"cannot reach gvisord at %s: %s; is it running? start it "
		"with: gvisord serve",
		c->target->name, strerror(error));
}

static int conn_open(struct conn *c, struct client_error *err)
{
	const struct sockaddr *addr = (const void *)&c->target->addr;
	socklen_t len = sizeof(int);
	int error = 0;
	short ready;
	int e;

	c->fd = socket(
		addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return err_errno();
	if (connect(c->fd, addr, c->target->addr_len) == 0)
		return 0;
	/* EAGAIN: a Unix socket whose backlog is full. */
	if (errno != EINPROGRESS)
		return unreachable(c, errno, err);
	e = wait_for(c, POLLOUT, err, &ready);
	if (e)
		return e;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return err_errno();
	return error ? unreachable(c, error, err) : 0;
}

static bool closed_by_peer(int error)
{
	return error == EPIPE || error == ECONNRESET;
}

/* Also 0 if the peer answers or leaves before it has everything: then the
 * reading tells. */
static int conn_send(const struct conn *c, const char *p, size_t len,
	struct client_error *err, bool *ret_all)
{
	*ret_all = false;
	while (len > 0) {
		short ready;
		ssize_t n;
		int e = wait_for(c, POLLOUT | POLLIN, err, &ready);

		if (e || (ready & POLLIN))
			return e;
		n = send(c->fd, p, len, MSG_NOSIGNAL);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (closed_by_peer(errno)) {
			return 0;
		} else if (errno != EAGAIN && errno != EINTR) {
			return err_errno();
		}
	}
	*ret_all = true;
	return 0;
}

static int conn_more(void *arg, void *buf, size_t size,
	struct client_error *err, size_t *ret_n)
{
	struct conn *c = arg;

	for (;;) {
		ssize_t n = recv(c->fd, buf, size, 0);
		short ready;
		int e;

		if (n >= 0) {
			*ret_n = (size_t)n;
			return 0;
		}
		if (closed_by_peer(errno)) {
			*ret_n = 0;
			return 0;
		}
		if (errno != EAGAIN && errno != EINTR)
			return err_errno();
		e = wait_for(c, POLLIN, err, &ready);
		if (e)
			return e;
	}
}

static void head_write(const struct conn *c, const struct client_request *req,
	struct buf *head)
{
	buf_addf(head,
		"%s %s HTTP/1.1\r\n"
		"Host: %s\r\n"
		"User-Agent: gvisord/" GV_VERSION "\r\n"
		"Accept: application/json\r\n"
		"Connection: close\r\n",
		req->method, req->path, c->target->host);
	if (req->content_type)
		buf_addf(head, "Content-Type: %s\r\n", req->content_type);
	if (req->token)
		buf_addf(head, "Authorization: Bearer %s\r\n", req->token);
	if (req->body || req->content_type)
		buf_addf(head, "Content-Length: %zu\r\n", req->body_len);
	buf_add_lit(head, "\r\n");
}

static int conn_request(const struct conn *c, const struct client_request *req,
	struct client_error *err)
{
	char bytes[4096];
	struct buf head;
	bool all;
	int e;

	buf_init(&head, bytes, sizeof(bytes));
	head_write(c, req, &head);
	if (!buf_ok(&head))
		return -E2BIG;
	e = conn_send(c, head.ptr, head.len, err, &all);
	if (e || !all || req->body_len == 0)
		return e;
	return conn_send(c, req->body, req->body_len, err, &all);
}

int client_call(const struct client_target *target,
	const struct client_request *req, struct client_error *err,
	struct client_response *ret_res)
{
	struct conn c = {.fd = -1, .target = target};
	struct client_error why;
	int e;

	err->text[0] = '\0';
	if (req->timeout_ms > 0)
		c.deadline_ms = now_ms() + req->timeout_ms;
	e = conn_open(&c, err);
	if (e == 0)
		e = conn_request(&c, req, err);
	if (e == 0)
		e = client_reply_read(conn_more, &c, err, ret_res);
	if (c.fd >= 0)
		(void)close(c.fd);
	if (e == CLIENT_E_BROKEN) {
		why = *err;
		(void)client_fail(err, CLIENT_E_BROKEN,
			"gvisord at %s gave no usable answer: %.120s",
			target->name, why.text);
	}
	return e;
}
