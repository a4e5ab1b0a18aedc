/*
 * Calls that move bytes between descriptors, which then need not pass the
 * isolate's memory to be somebody's.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* Keeper. n[0]: a file with the secret, n[1] a pipe with it, n[2], n[3] an
 * empty pipe, n[4] an empty file. */
static void make_secret(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	int in[2], out[2];

	CHECK(pipe2(in, O_NONBLOCK) == 0 && pipe2(out, O_NONBLOCK) == 0);
	a->n[0] = (uint64_t)memfd_create("secret", 0);
	a->n[1] = (uint64_t)in[0];
	a->n[2] = (uint64_t)out[0];
	a->n[3] = (uint64_t)out[1];
	a->n[4] = (uint64_t)memfd_create("mine", 0);
	CHECK(write((int)a->n[0], &b->canary, 8) == 8);
	CHECK(lseek((int)a->n[0], 0, SEEK_SET) == 0);
	CHECK(write(in[1], &b->canary, 8) == 8);
}

/* U. */
__attribute__((noreturn)) static void take(uint64_t fd)
{
	uint64_t got = 0;

	(void)walls_call(SYS_read, fd, (uint64_t)&got, 8, 0);
	box_got(got);
}

/* U. */
static void do_sendfile(struct box_attack *a)
{
	(void)walls_call(SYS_sendfile, a->n[3], a->n[0], 0, 8);
	take(a->n[2]);
}

/* U. */
static void do_splice(struct box_attack *a)
{
	const uint64_t args[6] = {a->n[0], 0, a->n[3], 0, 8, 0};

	(void)walls_call6(SYS_splice, args);
	take(a->n[2]);
}

/* U. */
static void do_tee(struct box_attack *a)
{
	(void)walls_call(SYS_tee, a->n[1], a->n[3], 8, 0);
	take(a->n[2]);
}

/* U. */
static void do_range(struct box_attack *a)
{
	const uint64_t args[6] = {a->n[0], 0, a->n[4], 0, 8, 0};

	(void)walls_call6(SYS_copy_file_range, args);
	(void)walls_call(SYS_lseek, a->n[4], 0, SEEK_SET, 0);
	take(a->n[4]);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"sendfile", do_sendfile, SYS_sendfile, .harm = WALLS_LEAKED,
			.before = make_secret},
		{"splice", do_splice, SYS_splice, .harm = WALLS_LEAKED,
			.before = make_secret},
		{"tee", do_tee, SYS_tee, .harm = WALLS_LEAKED,
			.before = make_secret},
		{"copy_file_range", do_range, SYS_copy_file_range,
			.harm = WALLS_LEAKED, .before = make_secret},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d11 = {
	.id = "D11",
	.name = "files copied inside the kernel",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
