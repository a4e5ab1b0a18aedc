/*
 * Descriptors are the process's, not a function's: those of the runtime and of
 * its clients are numbers to guess.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper: somebody's pipe, file and socket, with a secret in it. */
static void fill_pipe(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int fd[2];

	CHECK(pipe2(fd, O_NONBLOCK) == 0);
	CHECK(write(fd[1], &b->canary, 8) == 8);
	a->n[0] = (uint64_t)fd[0];
}

static void fill_file(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int fd = memfd_create("secret", 0);

	CHECK(fd >= 0 && write(fd, &b->canary, 8) == 8);
	a->n[0] = (uint64_t)fd;
}

static void fill_socket(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int fd[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK(write(fd[1], &b->canary, 8) == 8);
	a->n[0] = (uint64_t)fd[0];
}

/* U. */
static void do_read(struct box_attack *a)
{
	uint64_t got = 0;

	(void)walls_call(SYS_read, a->n[0], (uint64_t)&got, 8, 0);
	box_got(got);
}

/* U. */
static void do_pread(struct box_attack *a)
{
	uint64_t got = 0;

	(void)walls_call(SYS_pread64, a->n[0], (uint64_t)&got, 8, 0);
	box_got(got);
}

/* U. */
static void do_readv(struct box_attack *a)
{
	uint64_t got = 0;
	const struct iovec v = {&got, sizeof(got)};

	(void)walls_call(SYS_readv, a->n[0], (uint64_t)&v, 1, 0);
	box_got(got);
}

/* U. */
static void do_recv(struct box_attack *a)
{
	uint64_t got = 0;

	(void)walls_call(SYS_recvfrom, a->n[0], (uint64_t)&got, 8, 0);
	box_got(got);
}

/* U. */
static void do_dup(struct box_attack *a)
{
	a->n[0] = walls_call(SYS_dup, a->n[0], 0, 0, 0);
	do_read(a);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"read", do_read, SYS_read, .harm = WALLS_LEAKED,
			.before = fill_pipe},
		{"pread of a file", do_pread, SYS_pread64, .harm = WALLS_LEAKED,
			.before = fill_file},
		{"readv", do_readv, SYS_readv, .harm = WALLS_LEAKED,
			.before = fill_pipe},
		{"recvfrom", do_recv, SYS_recvfrom, .harm = WALLS_LEAKED,
			.before = fill_socket},
		{"dup, and read", do_dup, SYS_dup, .harm = WALLS_LEAKED,
			.before = fill_pipe},
		WALLS_MAKE(close, RING),
		WALLS_MAKE(close_range, RING, RING),
		WALLS_MAKE(fcntl, RING, F_DUPFD, 100),
		WALLS_MAKE(dup2, RING, 100),
		WALLS_MAKE(dup3, RING, 100),
		WALLS_MAKE(ioctl, 0, FIOCLEX),
		WALLS_MAKE(fstat, RING, OWN(0)),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d09 = {
	.id = "D09",
	.name = "descriptors of others: read, copied, closed",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
