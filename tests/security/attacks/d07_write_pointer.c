/*
 * A system call that reads memory for the isolate: the kernel does that with
 * the isolate's own rights, and finds none.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper: a pipe, and a pair of sockets. */
static void make_pipe(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int fd[2];

	(void)b;
	CHECK(pipe2(fd, O_NONBLOCK) == 0);
	a->n[1] = (uint64_t)fd[0];
	a->n[2] = (uint64_t)fd[1];
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	a->n[3] = (uint64_t)fd[0];
	a->n[4] = (uint64_t)fd[1];
}

/* U. What came out at the other end. */
__attribute__((noreturn)) static void take(uint64_t fd)
{
	uint64_t got = 0;

	(void)walls_call(SYS_read, fd, (uint64_t)&got, sizeof(got), 0);
	box_got(got);
}

/* U. */
static void do_write(struct box_attack *a)
{
	(void)walls_call(SYS_write, a->n[2], a->place[a->n[0]], 8, 0);
	take(a->n[1]);
}

/* U. */
static void do_writev(struct box_attack *a)
{
	const struct iovec v = {(void *)a->place[a->n[0]], 8};

	(void)walls_call(SYS_writev, a->n[2], (uint64_t)&v, 1, 0);
	take(a->n[1]);
}

/* U. */
static void do_send(struct box_attack *a)
{
	(void)walls_call(SYS_sendto, a->n[3], a->place[a->n[0]], 8, 0);
	take(a->n[4]);
}

/* U. */
static void do_sendmsg(struct box_attack *a)
{
	struct iovec v = {(void *)a->place[a->n[0]], 8};
	const struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	(void)walls_call(SYS_sendmsg, a->n[3], (uint64_t)&m, 0, 0);
	take(a->n[4]);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"write, heap", do_write, SYS_write, .keys = EFAULT,
			.harm = WALLS_LEAKED, .n = {BOX_HEAP},
			.before = make_pipe},
		{"write, resident isolate", do_write, SYS_write, .keys = EFAULT,
			.harm = WALLS_LEAKED, .n = {BOX_OTHER},
			.before = make_pipe},
		{"write, parked isolate", do_write, SYS_write, .keys = EFAULT,
			.harm = WALLS_LEAKED, .n = {BOX_PARKED},
			.before = make_pipe},
		{"writev, heap", do_writev, SYS_writev, .keys = EFAULT,
			.harm = WALLS_LEAKED, .n = {BOX_HEAP},
			.before = make_pipe},
		{"sendto, heap", do_send, SYS_sendto, .keys = EFAULT,
			.harm = WALLS_LEAKED, .n = {BOX_HEAP},
			.before = make_pipe},
		{"sendmsg, heap", do_sendmsg, SYS_sendmsg, .keys = EFAULT,
			.harm = WALLS_LEAKED, .n = {BOX_HEAP},
			.before = make_pipe},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d07 = {
	.id = "D07",
	.name = "a secret written to a file by the kernel",
	.layer = "dispatch, seccomp, keys",
	.off = "all three",
	.run = run,
};
