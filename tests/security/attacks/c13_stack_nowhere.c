/*
 * The stack pointer where no frame can be written: at null, outside of what
 * addresses can say, in the kernel, in text. Without an alternate stack that is
 * the end of the process.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static void run(void)
{
	static const struct frames_trigger *const triggers[] = {
		&frames_trap, &frames_divide, &frames_call, &frames_stop};

	for (size_t i = 0; i < sizeof(triggers) / sizeof(*triggers); i++) {
		frames_try_address(triggers[i], "at 0", 0);
		frames_try_address(
			triggers[i], "non-canonical", 0x8000000000000000);
		frames_try_address(
			triggers[i], "in the kernel", 0xffffffff81000000);
		frames_try_address(triggers[i], "in text", (uint64_t)&run);
	}
}

const struct attack attack_c13 = {
	.id = "C13",
	.name = "the stack at null, non-canonical, in the kernel, in text",
	.layer = "alternate stack",
	.off = "SA_ONSTACK",
	.run = run,
};
