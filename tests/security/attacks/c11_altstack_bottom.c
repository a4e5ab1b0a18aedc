/*
 * The stack pointer on the alternate stack, so near its bottom that there is no
 * room for a frame below: were that stack still armed, the kernel would take it
 * for one in use, find no room, and kill the process.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

/* Above the 128 bytes that the kernel leaves below the stack pointer. */
enum {
	BOTTOM = 512
};

static void run(void)
{
	static const struct frames_trigger *const triggers[] = {&frames_trap,
		&frames_divide, &frames_call, &frames_stop, &frames_page,
		&frames_key, &frames_int3, &frames_hlt};

	for (size_t i = 0; i < sizeof(triggers) / sizeof(*triggers); i++)
		frames_try_altstack(triggers[i], BOTTOM, true);
}

const struct attack attack_c11 = {
	.id = "C11",
	.name = "the stack at the bottom of the alternate stack",
	.layer = "alternate stack",
	.off = "SS_AUTODISARM",
	.run = run,
};
