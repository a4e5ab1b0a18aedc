/*
 * Entering the worker's ring submits and completes the runtime's work at a
 * moment of the isolate's choice, with the isolate's rights.
 */
#include <linux/io_uring.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

static void run(void)
{
	static const struct walls_case cases[] = {
		WALLS_MAKE(io_uring_enter, RING, 0, 0, 0),
		WALLS_MAKE(io_uring_enter, RING, 0, 0, IORING_ENTER_GETEVENTS),
		WALLS_MAKE(io_uring_enter, RING, 0, 0, IORING_ENTER_GETEVENTS,
			0, 0x1234567812345678),
	};

	WALLS_TRY(cases);
}

const struct attack attack_d13 = {
	.id = "D13",
	.name = "the runtime's own ring entered by an isolate",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
