/*
 * The gate for machines without keys is in the same program. Here there are
 * keys: it changes no rights, and each of its pieces touches what an isolate
 * may not, or ends where the isolate was. Control: no keys and no checks, a
 * copy of trusted memory by gate_copy_soft.
 */
#include "tests/security/attack.h"
#include "tests/security/jump.h"

static void run(void)
{
	static const struct {
		const char *name;
		void (*to)(void);
		enum jump_gain gain;
	} pieces[] = {
		{"gate_enter_soft", gate_enter_soft, JUMP_NONE},
		{"gate_exit_soft", gate_exit_soft, JUMP_NONE},
		{"gate_copy_soft", gate_copy_soft, JUMP_LEAKS},
		{"gate_trust_soft", gate_trust_soft, JUMP_LEAKS},
		{"gate_fault_soft", gate_fault_soft, JUMP_NONE},
	};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct jump j = {.loot = BOX_HEAP,
			.to = {.rdi = JUMP_BUFFER,
				.rsi = JUMP_SECRET,
				.rdx = 8,
				.r11 = (uint64_t)pieces[i].to}};

		(void)jump_case(pieces[i].name, &j);
		if (pieces[i].gain != JUMP_NONE)
			(void)jump_control(pieces[i].name, &j, &jump_neither,
				pieces[i].gain);
		j.gs = JUMP_FAKE_PAGE;
		(void)jump_case("with GS at its own page", &j);
	}
}

const struct attack attack_b24 = {
	.id = "B24",
	.name = "enter the gate for machines without keys",
	.layer = "protection keys",
	.off = "the keys and the gate's checks",
	.run = run,
};
