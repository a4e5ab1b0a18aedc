/*
 * The stack pointer on, below and above the alternate stack, where a frame of
 * the handler's own could come to lie on what the isolate chose.
 */
#include "tests/security/attack.h"
#include "tests/security/frames.h"

static const struct {
	uint64_t offset;
	bool controls; /* an armed stack has no room left there */
} spots[] = {
	{64, false},
	{1024, true},
	{4096, false},
	{GATE_ALTSTACK_SIZE / 2, false},
	{GATE_ALTSTACK_SIZE - 64, false},
	{GATE_ALTSTACK_SIZE, false},
	{GATE_ALTSTACK_SIZE + 4096, false},
};

static void run(void)
{
	static const struct frames_trigger *const triggers[] = {
		&frames_trap, &frames_divide, &frames_call, &frames_stop};

	for (size_t i = 0; i < sizeof(spots) / sizeof(*spots); i++)
		for (size_t t = 0; t < sizeof(triggers) / sizeof(*triggers);
			t++)
			frames_try_altstack(triggers[t], spots[i].offset,
				spots[i].controls);
}

const struct attack attack_c12 = {
	.id = "C12",
	.name = "the stack in and around the alternate stack",
	.layer = "alternate stack",
	.off = "SS_AUTODISARM",
	.run = run,
};
