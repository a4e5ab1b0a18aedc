/*
 * Jumps to the functions of the program: pkey, sandbox, the C library and all
 * else that is linked behind the gate (before it are only tests). Arguments
 * point at a secret, returns lead back: the runtime's code runs with the
 * isolate's rights. Control: no keys. A function begins, for us, where there is
 * ENDBR64, or padding before it.
 */
#include <string.h>

#include "sandbox/scan.h"
#include "tests/security/attack.h"
#include "tests/security/sweep.h"

enum {
	STEP = 16, /* functions are aligned to */
	NEAR = 512,
	AHEAD = 12,
};

extern const unsigned char etext[];

static bool padded(const unsigned char *at)
{
	static const struct {
		const char *bytes;
		size_t n;
	} pads[] = {{"\x90", 1}, {"\xcc", 1}, {"\xc3", 1}, {"\x0f\x1f\0", 3},
		{"\x0f\x1f\x40\0", 4}, {"\x0f\x1f\x44\0\0", 5},
		{"\x0f\x1f\x80\0\0\0\0", 7}, {"\x0f\x1f\x84\0\0\0\0\0", 8}};

	for (size_t i = 0; i < sizeof(pads) / sizeof(*pads); i++)
		if (memcmp(at - pads[i].n, pads[i].bytes, pads[i].n) == 0)
			return true;
	return false;
}

static bool begins(const unsigned char *at)
{
	if (memcmp(at, "\xf3\x0f\x1e\xfa", 4) == 0)
		return true;
	/* In the midst of an instruction after all, it might come to a far
	 * return: see sweep.h. */
	for (unsigned i = 0; i < AHEAD; i++)
		if ((at[i] & 0xfe) == 0xca || at[i] == 0xcf)
			return false;
	return padded(at);
}

static bool skip(const unsigned char *at)
{
	if (at < gate_code_end || !begins(at))
		return true;
	/* What only tests have, should any stand here after all. */
	return at + NEAR > etext ||
	       scan_bytes(at, NEAR, SCAN_RIGHTS, NULL, NULL) != 0;
}

static void run(void)
{
	static const struct sweep_set set = {
		"arguments that name a secret", {.to = {.rdi = JUMP_SECRET,
							 .rsi = JUMP_BUFFER,
							 .rdx = 8,
							 .rcx = 8,
							 .rsp = JUMP_STACK}}};
	const struct sweep text = {.from = gate_code_begin,
		.to = etext,
		.step = STEP,
		.skip = skip};

	(void)sweep_cases(text, &set, 1);
	sweep_control(text, &set, &jump_no_keys);
}

const struct attack attack_b39 = {
	.id = "B39",
	.name = "jump to the program's functions",
	.layer = "protection keys",
	.off = "the keys",
	.run = run,
};
