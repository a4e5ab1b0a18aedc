/*
 * What a caller of one function notices of another's: calls at a steady rate,
 * on several connections, each timed from when it was due, so that calls which
 * could not be made for the one before count as late; beside them, if asked
 * for, connections that call another function again and again as fast as it
 * answers, and don't care what.
 *
 * Prints calls, bombs, their errors, and p50, p99 and the longest of the calls
 * in microseconds. Client side; the callers run ahead of everything else where
 * the system lets them, so that their own waiting for a processor is small.
 *
 * usage: neighbour SOCKET SECONDS PATH CONNECTIONS RATE [PATH CONNECTIONS]
 *        RATE: calls per second on each connection
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "bench/sample.h"

enum {
	CONNECTIONS_MAX = 64,
	REPLY_MAX = 64 << 10,
	WARM_UP = 3, /* calls of each connection that do not count */
};

#define NS 1000000000ull

struct caller {
	pthread_t thread;
	const char *path;
	uint64_t every; /* ns; 0: at once again */
	unsigned number;
	uint64_t calls, errors;
	struct samples samples;
};

static struct caller callers[CONNECTIONS_MAX];
static unsigned n_callers;
static const char *socket_path;
static uint64_t until;
static struct samples all;

static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t at)
{
	const struct timespec t = {
		.tv_sec = (time_t)(at / NS), .tv_nsec = (long)(at % NS)};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int dial(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", socket_path);
	CHECK(fd >= 0 && connect(fd, (void *)&sun, sizeof(sun)) == 0);
	return fd;
}

/* The status of one reply, read to its end. */
static int take(int fd)
{
	char mem[REPLY_MAX];
	size_t have = 0, want = SIZE_MAX;

	while (have < want) {
		ssize_t n = read(fd, mem + have, sizeof(mem) - 1 - have);
		char *end, *len;

		CHECK(n > 0);
		have += (size_t)n;
		mem[have] = '\0';
		end = strstr(mem, "\r\n\r\n");
		if (!end || want != SIZE_MAX)
			continue;
		len = strcasestr(mem, "\r\nContent-Length:");
		CHECK(len);
		want = (size_t)(end + 4 - mem) + strtoull(len + 17, NULL, 10);
		CHECK(want < sizeof(mem));
	}
	return atoi(mem + sizeof("HTTP/1.1 ") - 1);
}

static int call(int fd, const char *path)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
		"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1",
		path);

	CHECK(write(fd, text, (size_t)n) == n);
	return take(fd);
}

static void *steady(void *arg)
{
	const struct sched_param ahead = {.sched_priority = 1};
	struct caller *c = arg;
	int fd = dial();
	/* Not all at once. */
	uint64_t due = now() + c->every * c->number / n_callers;

	(void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &ahead);
	for (; due < until; due += c->every) {
		if (now() < due)
			sleep_until(due);
		c->errors += call(fd, c->path) != 200;
		if (c->calls++ >= WARM_UP)
			samples_add(&c->samples, now() - due);
	}
	(void)close(fd);
	return NULL;
}

static void *greedy(void *arg)
{
	struct caller *c = arg;
	int fd = dial();

	for (; now() < until; c->calls++)
		c->errors += call(fd, c->path) != 200;
	(void)close(fd);
	return NULL;
}

static void add(const char *path, unsigned connections, unsigned rate)
{
	for (unsigned i = 0; i < connections; i++) {
		CHECK(n_callers < CONNECTIONS_MAX);
		callers[n_callers] = (struct caller){.path = path,
			.number = n_callers,
			.every = rate ? NS / rate : 0};
		n_callers++;
	}
}

static void report(void)
{
	uint64_t calls = 0, errors = 0, bombs = 0, longest = 0;

	for (unsigned i = 0; i < n_callers; i++) {
		struct caller *c = &callers[i];

		if (!c->every) {
			bombs += c->calls;
			continue;
		}
		calls += c->calls;
		errors += c->errors;
		for (size_t j = 0; j < c->samples.n; j++) {
			samples_add(&all, c->samples.ns[j]);
			if (c->samples.ns[j] > longest)
				longest = c->samples.ns[j];
		}
	}
	printf("calls %lu\nerrors %lu\nbombs %lu\nlongest_us %.2f\n", calls,
		errors, bombs, (double)longest / 1e3);
	samples_print(&all, "call");
}

int main(int argc, char **argv)
{
	unsigned seconds;

	if (argc != 6 && argc != 8) {
		(void)fprintf(stderr, "usage: see neighbour.c\n");
		return 2;
	}
	socket_path = argv[1];
	seconds = (unsigned)atoi(argv[2]);
	add(argv[3], (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]));
	if (argc == 8)
		add(argv[6], (unsigned)atoi(argv[7]), 0);
	until = now() + seconds * NS;
	for (unsigned i = 0; i < n_callers; i++)
		CHECK(pthread_create(&callers[i].thread, NULL,
			      callers[i].every ? steady : greedy,
			      &callers[i]) == 0);
	for (unsigned i = 0; i < n_callers; i++)
		(void)pthread_join(callers[i].thread, NULL);
	report();
	return 0;
}
