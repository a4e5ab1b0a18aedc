/*
 * bench/ready: how long from exec to an answer, and what does the idle daemon
 * hold?
 *
 *     ready [-n TIMES] SOCKET PROGRAM ARGUMENT...
 *
 * Starts the program, asks /readyz on its Unix socket without a pause until the
 * answer is 200, notes the time, looks at its memory when it has come to rest,
 * ends it by SIGTERM. Prints a line of "name value" for each.
 */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"

enum {
	REST_US = 300000,
	GIVE_UP_NS = 1000000000
};

extern char **environ;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool answers(const struct sockaddr_un *to)
{
	static const char ask[] = "GET /readyz HTTP/1.1\r\nHost: bench\r\n\r\n";
	static const char want[] = "HTTP/1.1 200 ";
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char got[512];

	CHECK(fd >= 0);
	if (connect(fd, (const void *)to, sizeof(*to)) != 0)
		return false;
	if (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) < 0)
		return false;
	return recv(fd, got, sizeof(got), 0) > (ssize_t)sizeof(want) &&
	       memcmp(got, want, sizeof(want) - 1) == 0;
}

static void print_field(const char *path, const char *field, const char *name)
{
	FILE *f = fopen(path, "re");
	size_t len = strlen(field);
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, field, len) == 0 && line[len] == ':')
			printf("%s %lu\n", name,
				strtoul(line + len + 1, NULL, 10));
	if (f)
		(void)fclose(f);
}

static void print_memory(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	print_field(path, "VmRSS", "rss_kib");
	print_field(path, "RssAnon", "rss_anon_kib");
	print_field(path, "VmPTE", "page_tables_kib");
	print_field(path, "Threads", "threads");
	/* Root alone may read it, the daemon being undumpable. */
	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	print_field(path, "Pss", "pss_kib");
}

static int ready_once(const struct sockaddr_un *to, char **argv)
{
	uint64_t begin = now_ns(), end;
	pid_t pid;
	int status;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0) {
		(void)fprintf(stderr, "ready: cannot run %s\n", argv[0]);
		return 1;
	}
	while (!answers(to)) {
		if (now_ns() - begin > GIVE_UP_NS ||
			waitpid(pid, &status, WNOHANG) == pid) {
			(void)fprintf(stderr, "ready: no answer\n");
			(void)kill(pid, SIGKILL);
			return 1;
		}
		(void)usleep(20);
	}
	end = now_ns();
	printf("ready_ms %.3f\n", (double)(end - begin) / 1e6);
	(void)usleep(REST_US);
	print_memory(pid);
	(void)kill(pid, SIGTERM);
	begin = now_ns();
	(void)waitpid(pid, &status, 0);
	printf("stop_ms %.3f\n", (double)(now_ns() - begin) / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	unsigned long times = 1;
	int opt;

	while ((opt = getopt(argc, argv, "+n:")) != -1)
		if (opt == 'n')
			times = strtoul(optarg, NULL, 10);
	if (argc - optind < 2 || strlen(argv[optind]) >= sizeof(to.sun_path)) {
		(void)fprintf(stderr,
			"usage: ready [-n TIMES] SOCKET PROGRAM ARGUMENT...\n");
		return 2;
	}
	strcpy(to.sun_path, argv[optind]);
	for (; times > 0; times--)
		if (ready_once(&to, argv + optind + 1) != 0)
			return 1;
	return 0;
}
