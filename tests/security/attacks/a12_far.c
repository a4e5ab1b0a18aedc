/*
 * Far returns, interrupt returns, far jumps and far calls to every kind of code
 * segment, at code that is there and at code that is not. A fault in 32-bit
 * mode must not bring the runtime back in that mode. (The 32-bit wide far
 * return is left out: the emulator makes an error of the kernel's out of it.)
 */
#include <signal.h>
#include <stdio.h>

#include "tests/security/attack.h"
#include "tests/security/odd.h"

enum {
	FLAGS = 0x202,
	IOPL = 0x3202,
	VM86 = 0x20202,
	CS_64 = 0x33,
	CS_32 = 0x23,
	SS = 0x2b,
	STACK = 0x10002800,
	NOWHERE = 0x20000000,
	MAX = 128,
};

static struct odd far[MAX];
static char name[MAX][48];
static size_t n;

static void add(const char *what, const struct odd *by, uint64_t rip,
	uint64_t cs, uint64_t flags)
{
	struct odd *o = &far[n];

	*o = *by;
	o->frame[0] = rip;
	o->frame[1] = cs;
	o->frame[2] = flags;
	o->frame[3] = STACK;
	o->frame[4] = SS;
	(void)snprintf(
		name[n], sizeof(name[n]), "%s to %#lx, %s", by->name, cs, what);
	o->name = name[n++];
}

static void run(void)
{
	static const struct odd by[] = {
		ODD("lret", ODD_ANY, 0x48, 0xcb),
		ODD("iret", ODD_ANY, 0x48, 0xcf),
		ODD("far jump", ODD_ANY, 0x48, 0xff, 0x2b),
		ODD("far call", ODD_ANY, 0x48, 0xff, 0x1b),
	};
	static const uint64_t others[] = {
		0, 3, 0x08, 0x10, 0x18, SS, 0x40, 0x4b, 0x7b, 0xfff3};
	const struct odd *iret = &by[1];

	for (size_t i = 0; i < sizeof(by) / sizeof(*by); i++) {
		add("code", &by[i], ODD_CODE, CS_32, FLAGS);
		add("no code", &by[i], NOWHERE, CS_32, FLAGS);
		add("code", &by[i], ODD_CODE, CS_64, FLAGS);
		for (size_t k = 0; k < sizeof(others) / sizeof(*others); k++)
			add("code", &by[i], ODD_CODE, others[k], FLAGS);
	}
	add("code, with IOPL 3", iret, ODD_CODE, CS_64, IOPL);
	add("code, with VM set", iret, ODD_CODE, CS_32, VM86);
	add("not canonical", iret, 1ull << 63, CS_64, FLAGS);
	odd_try(far, n, 4);
}

const struct attack attack_a12 = {
	.id = "A12",
	.name = "far returns and jumps to other code segments",
	.layer = "the CPU, handlers",
	.off = "the alternate stack",
	.run = run,
};
