/*
 * A program's file between scan and use, and after: whoever gets hold of its
 * descriptor, here root from outside, can't change a byte of it. Control: with
 * the seals left out the code of new isolates is another than was scanned.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <dirent.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	PAGE = 4096,
	PATH = 300,
};

static struct live live;

/* The last program's file, opened anew for writing; -1: there is none. */
static int open_file(int how)
{
	char dir_path[64], path[PATH], target[64] = "";
	struct dirent *e;
	int fd = -1;
	DIR *dir;

	(void)snprintf(
		dir_path, sizeof(dir_path), "/proc/%d/fd", live.daemon.pid);
	dir = opendir(dir_path);
	while (dir && (e = readdir(dir))) {
		(void)snprintf(
			path, sizeof(path), "%s/%.32s", dir_path, e->d_name);
		if (readlink(path, target, sizeof(target) - 1) <= 0 ||
			!strstr(target, "gvisord-code"))
			continue;
		if (fd >= 0)
			(void)close(fd);
		fd = open(path, how | O_CLOEXEC);
	}
	if (dir)
		(void)closedir(dir);
	return fd;
}

static void refused(const char *what, bool failed)
{
	attack_held(failed && errno == EPERM, "%s: errno %d", what, errno);
}

static void cases(void)
{
	int fd;
	void *p;

	live_start(&live, NULL);
	fd = open_file(O_RDWR);
	attack_held(fd >= 0, "root opens it for writing");
	refused("pwrite", pwrite(fd, "\xcc", 1, PAGE) < 0);
	refused("ftruncate to nothing", ftruncate(fd, 0) != 0);
	refused("ftruncate to more", ftruncate(fd, 1 << 20) != 0);
	refused("a hole",
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE,
			PAGE) != 0);
	refused("zeros", fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, PAGE) != 0 &&
				 (errno == EPERM || (errno == EOPNOTSUPP &&
							    (errno = EPERM))));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
	refused("a shared mapping", p == MAP_FAILED);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	refused("one that is opened later",
		p != MAP_FAILED &&
			mprotect(p, PAGE, PROT_READ | PROT_WRITE) != 0 &&
			(errno == EACCES && (errno = EPERM)));
	refused("taking the seals off", fcntl(fd, F_ADD_SEALS, 0) != 0);
	attack_held((fcntl(fd, F_GET_SEALS) & 0xf) == 0xf,
		"sealed: writing, both sizes, and further seals");
	(void)close(fd);
	attack_held(live_well(&live), "the neighbour is whole");
	attack_held(live_stop(&live), "the daemon ends in peace");
}

static void control(void)
{
	static const struct live_options none = {.without = "seals"};
	uint64_t code, offset, was, is;
	const uint64_t mark = LIVE_MARK;
	int fd;

	live_start(&live, &none);
	code = live_ask(&live, "attacker", "where code");
	offset = code - live_ask(&live, "attacker", "where image");
	/* A word at the end of the code's page that nobody runs. */
	offset = (offset & ~(uint64_t)(PAGE - 1)) + PAGE - sizeof(mark);
	was = live_ask(&live, "attacker", "read @image+%lx", offset);
	fd = open_file(O_RDWR);
	attack_worked(
		pwrite(fd, &mark, sizeof(mark), (off_t)offset) == sizeof(mark),
		"without seals it can be written to");
	is = live_ask(&live, "attacker", "read @image+%lx", offset);
	attack_worked(was == 0 && is == mark,
		"... and code that runs is another than was scanned");
	(void)close(fd);
	(void)live_stop(&live);
}

static void run(void)
{
	cases();
	control();
}

const struct attack attack_a17 = {
	.id = "A17",
	.name = "native: change a program's file after the scan",
	.layer = "seals",
	.off = "the seals",
	.run = run,
};
