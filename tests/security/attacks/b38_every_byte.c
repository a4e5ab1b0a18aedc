/*
 * A jump to every byte of the gate, with the registers that would serve an
 * attacker at one place or another. Wherever an instruction can be made to
 * begin, nothing is gained and the worker lives. Control: the same jumps into a
 * gate that does not check.
 */
#include "tests/security/attack.h"
#include "tests/security/sweep.h"

static const struct sweep_set sets[] = {
	{"all keys open", {.to = {.rax = 0}}},
	{"T", {.to = {.rax = JUMP_PKRU_TRUSTED, .rdi = JUMP_PKRU_TRUSTED}}},
	{"a neighbour's U",
		{.to = {.rax = JUMP_PKRU_OTHER}, .loot = BOX_OTHER}},
	{"its own and a neighbour's U",
		{.to = {.rax = JUMP_PKRU_BOTH}, .loot = BOX_OTHER}},
	{"all keys open, GS zero", {.to = {.gs_zero = 1}}},
	{"T, GS zero", {.to = {.rax = JUMP_PKRU_TRUSTED,
				.rdi = JUMP_PKRU_TRUSTED,
				.gs_zero = 1}}},
	{"GS at its own page", {.gs = JUMP_FAKE_PAGE}},
	{"a made-up thread", {.to = {.rax = JUMP_FAKE,
				      .rbx = JUMP_FAKE,
				      .rcx = JUMP_FAKE_PAGE,
				      .rdx = JUMP_FORGED,
				      .rsi = JUMP_BUFFER,
				      .rdi = JUMP_FAKE,
				      .rsp = JUMP_STACK},
				     .fake_page = true}},
	{"a made-up page", {.to = {.rax = JUMP_FAKE_PAGE,
				    .rcx = JUMP_FAKE_PAGE,
				    .rdx = JUMP_FAKE_PAGE,
				    .rsi = JUMP_FAKE_PAGE,
				    .rdi = JUMP_FAKE_PAGE,
				    .rsp = JUMP_STACK},
				   .fake_page = true}},
	{"a forged signal frame", {.to = {.rax = 15,
					   .rbx = JUMP_FAKE,
					   .rdx = JUMP_FORGED,
					   .rsp = JUMP_FORGED}}},
	{"a copy out of trusted memory", {.to = {.rcx = 8,
						  .rdx = 8,
						  .rsi = JUMP_SECRET,
						  .rdi = JUMP_BUFFER,
						  .r8 = 8}}},
	{"a copy into trusted memory", {.to = {.rcx = 8,
						.rdx = 8,
						.rsi = JUMP_BUFFER,
						.rdi = JUMP_SECRET,
						.r8 = 8}}},
	{"trusted memory in all registers", {.to = {.rax = JUMP_SECRET,
						     .rcx = JUMP_SECRET,
						     .rdx = JUMP_SECRET,
						     .rsi = JUMP_SECRET,
						     .rdi = JUMP_SECRET,
						     .rbp = JUMP_SECRET,
						     .r8 = JUMP_SECRET,
						     .r9 = JUMP_SECRET,
						     .r10 = JUMP_SECRET}}},
	{"the stack in trusted memory", {.to = {.rsp = JUMP_SECRET}}},
	{"the stack on the alternate stack", {.to = {.rsp = JUMP_ALTSTACK}}},
	{"the stack in its own context", {.to = {.rsp = JUMP_FRAME}}},
};

static void run(void)
{
	const struct sweep whole = {
		.from = gate_code_begin, .to = gate_code_end, .step = 1};

	(void)sweep_cases(whole, sets, sizeof(sets) / sizeof(*sets));
	for (size_t i = 0; i < 4; i++)
		sweep_control(whole, &sets[i], &jump_no_checks);
}

const struct attack attack_b38 = {
	.id = "B38",
	.name = "jump to every byte of the gate",
	.layer = "gate check, protection keys",
	.off = "the gate's checks",
	.run = run,
};
