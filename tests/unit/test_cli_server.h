#pragma once
/*
 * A daemon that says what a test told it to: a thread that accepts one
 * connection per scripted reply, keeps the request, answers byte for byte.
 */
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum fake_how {
	FAKE_NORMAL,	/* read the whole request, answer, close */
	FAKE_EARLY,	/* read the headers only, answer, close */
	FAKE_BYTEWISE,	/* answer in single bytes */
	FAKE_HANG,	/* answer, then keep the connection open */
	FAKE_NO_READING /* answer nothing, read nothing, close */
};

struct fake_reply {
	const char *bytes;
	enum fake_how how;
	size_t len; /* 0: strlen(bytes) */
};

struct fake {
	char path[64];
	int listener;
	pthread_t thread;
	size_t n;
	const struct fake_reply *replies;
	char requests[1 << 20]; /* all of them, one behind the other */
	size_t len;
};

static struct fake fake;

/* The request's length with its body; 0: its headers are not complete. */
static size_t fake_request_end(const char *from)
{
	const char *end = strstr(from, "\r\n\r\n");
	const char *length = strstr(from, "Content-Length: ");

	if (!end)
		return 0;
	return (size_t)(end + 4 - from) +
	       (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
}

static void fake_read(int fd, bool headers_only)
{
	size_t start = fake.len;

	for (;;) {
		size_t room = sizeof(fake.requests) - 1 - fake.len, end;
		ssize_t n = read(
			fd, fake.requests + fake.len, headers_only ? 1 : room);

		if (n <= 0)
			return;
		fake.len += (size_t)n;
		end = fake_request_end(fake.requests + start);
		if (end && (headers_only || fake.len - start >= end))
			return;
	}
}

static void fake_write(int fd, const struct fake_reply *r)
{
	size_t len = r->len ? r->len : strlen(r->bytes);
	size_t step = r->how == FAKE_BYTEWISE ? 1 : len;

	for (size_t at = 0; at < len;) {
		ssize_t n = send(fd, r->bytes + at,
			step < len - at ? step : len - at, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += (size_t)n;
		if (r->how == FAKE_BYTEWISE)
			(void)usleep(200);
	}
}

static void *fake_serve(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < fake.n; i++) {
		const struct fake_reply *r = &fake.replies[i];
		int fd = accept(fake.listener, NULL, NULL);
		struct pollfd p = {.fd = fd, .events = POLLRDHUP};

		if (fd < 0)
			return NULL;
		if (r->how != FAKE_NO_READING) {
			fake_read(fd, r->how == FAKE_EARLY);
			fake_write(fd, r);
		}
		if (r->how == FAKE_HANG)
			(void)poll(&p, 1, 10000);
		(void)close(fd);
	}
	return NULL;
}

static void fake_start(const struct fake_reply *replies, size_t n)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	fake.replies = replies;
	fake.n = n;
	(void)snprintf(fake.path, sizeof(fake.path), "/tmp/gv-fake-%d.sock",
		(int)getpid());
	(void)strcpy(un.sun_path, fake.path);
	fake.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert(bind(fake.listener, (void *)&un, sizeof(un)) == 0);
	cr_assert(listen(fake.listener, 8) == 0);
	cr_assert(pthread_create(&fake.thread, NULL, fake_serve, NULL) == 0);
}

/* All replies must have been asked for. */
static void fake_stop(void)
{
	(void)pthread_join(fake.thread, NULL);
	(void)close(fake.listener);
	(void)unlink(fake.path);
}
