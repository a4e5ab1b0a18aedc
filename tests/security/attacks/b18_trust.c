/*
 * A trusted thread's first step, which takes the rights it is told and returns.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	static const struct {
		const char *name;
		uint64_t rdi;
		enum jump_gain gain;
	} values[] = {
		{"gate_trust with T", JUMP_PKRU_TRUSTED, JUMP_LEAKS},
		{"gate_trust with all open", 0, JUMP_LEAKS},
		{"gate_trust with its own U", JUMP_PKRU_OWN, JUMP_NONE},
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const struct jump j = {.loot = BOX_HEAP,
			.to = {.rdi = values[i].rdi,
				.r11 = (uint64_t)gate_trust_mpk}};

		(void)jump_case(values[i].name, &j);
		if (values[i].gain != JUMP_NONE)
			(void)jump_control(values[i].name, &j, &jump_no_checks,
				values[i].gain);
	}
}

const struct attack attack_b18 = {
	.id = "B18",
	.name = "call gate_trust",
	.layer = "gate check",
	.off = "the gate's checks",
	.run = run,
};
