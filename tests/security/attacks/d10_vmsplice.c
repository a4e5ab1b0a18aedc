/*
 * A pipe can hold pages instead of bytes. What the runtime had pinned so, an
 * isolate reads as it is then, not as it was; pinned by the isolate itself, a
 * victim's page is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper. */
static void make_pipe(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int fd[2];

	(void)b;
	CHECK(pipe2(fd, O_NONBLOCK) == 0);
	a->n[0] = (uint64_t)fd[0];
	a->n[1] = (uint64_t)fd[1];
}

/* Keeper. The secret comes after the pin: it is the page that is read. */
static void pin_heap(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	uint64_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct iovec v = {page, 8};

	CHECK(page != MAP_FAILED);
	make_pipe(b, attack);
	*page = 0;
	CHECK(vmsplice((int)a->n[1], &v, 1, 0) == 8);
	*page = b->canary;
}

/* U. */
static void do_read(struct box_attack *a)
{
	uint64_t got = 0;

	(void)walls_call(SYS_read, a->n[0], (uint64_t)&got, 8, 0);
	box_got(got);
}

/* U. */
static void do_pin(struct box_attack *a)
{
	const struct iovec v = {(void *)a->place[a->n[3]], 8};

	(void)walls_call(SYS_vmsplice, a->n[1], (uint64_t)&v, 1, 0);
	do_read(a);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"read of a pinned page", do_read, SYS_read,
			.harm = WALLS_LEAKED, .before = pin_heap},
		{"vmsplice of the heap", do_pin, SYS_vmsplice, .keys = EFAULT,
			.harm = WALLS_LEAKED, .n = {0, 0, 0, BOX_HEAP},
			.before = make_pipe},
		{"vmsplice of a parked isolate", do_pin, SYS_vmsplice,
			.keys = EFAULT, .harm = WALLS_LEAKED,
			.n = {0, 0, 0, BOX_PARKED}, .before = make_pipe},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d10 = {
	.id = "D10",
	.name = "a page pinned in a pipe earlier, read later",
	.layer = "dispatch, seccomp, keys",
	.off = "both, or all three",
	.run = run,
};
