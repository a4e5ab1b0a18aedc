/*
 * SCM_RIGHTS: a descriptor in a message lives on when it is closed here, and
 * goes to whoever reads.
 */
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper. */
static void make_pair(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int fd[2];

	(void)b;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	a->n[1] = (uint64_t)fd[0];
	a->n[2] = STDOUT_FILENO;
}

/* U. */
static void pass(struct box_attack *a)
{
	struct iovec v = {a->area, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct cmsghdr *c = (void *)(a->area + 64);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	*(int *)(void *)CMSG_DATA(c) = (int)a->n[2];
	m.msg_control = c;
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	box_got(walls_call(SYS_sendmsg, a->n[1], (uint64_t)&m, 0, 0));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"standard output", pass, SYS_sendmsg, .harm = WALLS_MADE,
			.before = make_pair},
		WALLS_MAKE(dup, 1),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d25 = {
	.id = "D25",
	.name = "a descriptor passed through a socket",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
