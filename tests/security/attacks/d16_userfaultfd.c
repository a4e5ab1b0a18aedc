/*
 * Who handles the faults of a range says what is in its new pages, whatever
 * their key, and how long whoever touched one must wait.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

static uint64_t *page;

/* Keeper: trusted memory that nobody touched yet. */
static void make_page(struct box *b, void *attack)
{
	struct box_attack *a = attack;

	(void)b;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	a->n[0] = (uint64_t)page;
}

/* Keeper: it would stop here for ever, were it registered but not filled. */
static void look(struct box *b, void *attack)
{
	const struct box_attack *a = attack;
	unsigned char there = 0;

	(void)a;
	CHECK(mincore(page, 4096, &there) == 0);
	b->report->number[0] = there && *page == 0x4141414141414141;
}

/* U. */
static void fill(struct box_attack *a)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register reg = {
		{a->n[0], 4096}, UFFDIO_REGISTER_MODE_MISSING, 0};
	uint64_t from = ((uint64_t)a->area + 4095) & ~(uint64_t)4095;
	struct uffdio_copy copy = {a->n[0], from, 4096, 0, 0};
	uint64_t fd = walls_call(SYS_userfaultfd, O_CLOEXEC, 0, 0, 0);

	*(uint64_t *)from = 0x4141414141414141;
	(void)walls_call(SYS_ioctl, fd, UFFDIO_API, (uint64_t)&api, 0);
	(void)walls_call(SYS_ioctl, fd, UFFDIO_REGISTER, (uint64_t)&reg, 0);
	(void)walls_call(SYS_ioctl, fd, UFFDIO_COPY, (uint64_t)&copy, 0);
	box_done();
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"a page of trusted memory", fill, SYS_userfaultfd,
			.harm = WALLS_SEEN, .before = make_page, .after = look},
		WALLS_MAKE(userfaultfd, O_CLOEXEC),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d16 = {
	.id = "D16",
	.name = "userfaultfd: another's missing pages filled",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
