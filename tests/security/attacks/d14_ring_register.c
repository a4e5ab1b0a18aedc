/*
 * What is registered with a ring works for all who use it: buffers, files,
 * restrictions.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <sys/uio.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void buffers(struct box_attack *a)
{
	const struct iovec v = {a->area, 4096};

	box_got(walls_call(SYS_io_uring_register, (uint64_t)a->ring_fd,
		IORING_REGISTER_BUFFERS, (uint64_t)&v, 1));
}

/* U. */
static void files(struct box_attack *a)
{
	const int fds[2] = {a->ring_fd, -1};

	box_got(walls_call(SYS_io_uring_register, (uint64_t)a->ring_fd,
		IORING_REGISTER_FILES, (uint64_t)(fds + 1), 1));
}

/* U. */
static void heap(struct box_attack *a)
{
	const struct iovec v = {(void *)a->place[BOX_HEAP], 4096};

	box_got(walls_call(SYS_io_uring_register, (uint64_t)a->ring_fd,
		IORING_REGISTER_BUFFERS, (uint64_t)&v, 1));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"buffers", buffers, SYS_io_uring_register, .harm = WALLS_MADE},
		{"files", files, SYS_io_uring_register, .harm = WALLS_MADE},
		{"the heap as a buffer", heap, SYS_io_uring_register,
			.keys = EFAULT, .harm = WALLS_MADE},
	};

	WALLS_TRY(cases);
}

const struct attack attack_d14 = {
	.id = "D14",
	.name = "the runtime's own ring changed by an isolate",
	.layer = "dispatch, seccomp, keys",
	.off = "both, or all three",
	.run = run,
};
