/*
 * The plain C program: calls a native function's handler without gvisord, with
 * the C library behind the gv_ functions. Linked with one function's object.
 * The tests compare results with it, the benchmarks times.
 *
 * usage: driver [-t TIMES] JSON
 *
 * Prints the reply; with -t the nanoseconds of each call instead, a line "ns N"
 * each. Status 1: the function failed; its message is on stderr.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <gvisor/function.h>

void *gv_alloc(size_t size)
{
	return size ? malloc(size) : NULL;
}

void *gv_realloc(void *ptr, size_t size)
{
	return realloc(ptr, size);
}

void gv_free(void *ptr)
{
	free(ptr);
}

void gv_log(enum gv_log_level level, const char *text, size_t len)
{
	fprintf(stderr, "%d: %.*s\n", (int)level, (int)len, text);
}

void gv_logf(enum gv_log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	gv_log(level, line,
		n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t gv_time(enum gv_clock clock)
{
	return nanoseconds(
		clock == GV_CLOCK_REAL ? CLOCK_REALTIME : CLOCK_MONOTONIC);
}

void gv_random(void *buf, size_t len)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		abort();
}

void gv_fail(const char *message)
{
	fprintf(stderr, "%s\n", message ? message : "failed");
	exit(1);
}

/* Returns the handler's status. */
static int call(const char *body, bool show)
{
	struct gv_request req = {
		.size = sizeof(req),
		.body = body,
		.body_len = strlen(body),
		.id = "0",
		.tenant = "default",
		.function = "driver",
		.version = 1,
		.timeout_ns = UINT64_MAX,
		.memory_limit = UINT64_MAX,
	};
	struct gv_response res = {.size = sizeof(res)};
	uint64_t begin = nanoseconds(CLOCK_MONOTONIC);
	int status = handler(&req, &res);
	uint64_t end = nanoseconds(CLOCK_MONOTONIC);

	if (status)
		fprintf(stderr, "%.*s\n", (int)res.body_len,
			(const char *)res.body);
	else if (show)
		printf("%.*s\n", (int)res.body_len, (const char *)res.body);
	else
		printf("ns %llu\n", (unsigned long long)(end - begin));
	if (res.flags & GV_FREE)
		gv_free((void *)(uintptr_t)res.body);
	return status;
}

int main(int argc, char **argv)
{
	bool timed = argc == 4 && strcmp(argv[1], "-t") == 0;
	long times = timed ? atol(argv[2]) : 1;

	if ((argc != 2 && !timed) || times < 1) {
		fprintf(stderr, "usage: driver [-t TIMES] JSON\n");
		return 2;
	}
	while (times--)
		if (call(argv[argc - 1], !timed))
			return 1;
	return 0;
}
