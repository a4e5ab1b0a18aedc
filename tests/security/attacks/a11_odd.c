/*
 * Instructions that trap or don't exist: breakpoints, undefined ones, what
 * 64-bit mode dropped, prefixes that don't go together. And every software
 * interrupt there is: the kernel lets user code raise three of 256.
 */
#include <signal.h>
#include <stdio.h>

#include "tests/security/attack.h"
#include "tests/security/odd.h"

enum {
	VECTORS = 256,
	STEP = 16,
	INT = 0xcd,
};

static const struct odd odd[] = {
	ODD("int3", SIGTRAP, 0xcc),
	ODD("icebp", ODD_ANY, 0xf1),
	ODD("ud0", SIGILL, 0x0f, 0xff, 0xc0),
	ODD("ud1", SIGILL, 0x0f, 0xb9, 0xc0),
	ODD("ud2", SIGILL, 0x0f, 0x0b),
	ODD("into", SIGILL, 0xce),
	ODD("push es", SIGILL, 0x06),
	ODD("pop ss", SIGILL, 0x17),
	ODD("daa", SIGILL, 0x27),
	ODD("aaa", SIGILL, 0x37),
	ODD("pusha", SIGILL, 0x60),
	ODD("popa", SIGILL, 0x61),
	ODD("far call, direct", SIGILL, 0x9a, 0, 0, 0, 0, 0x23, 0),
	ODD("far jump, direct", SIGILL, 0xea, 0, 0, 0, 0, 0x23, 0),
	ODD("aam", SIGILL, 0xd4, 0x0a),
	ODD("salc", SIGILL, 0xd6),
	ODD("lock nop", SIGILL, 0xf0, 0x90),
	ODD("lock wrpkru", SIGILL, 0xf0, 0x0f, 0x01, 0xef),
	ODD("xbegin", ODD_ANY, 0xc7, 0xf8, 0, 0, 0, 0),
	ODD("bndmk", ODD_ANY, 0xf3, 0x0f, 0x1b, 0x03),
	ODD("rdssp", ODD_ANY, 0xf3, 0x48, 0x0f, 0x1e, 0xc8),
	ODD("incssp", ODD_ANY, 0xf3, 0x48, 0x0f, 0xae, 0xe8),
	ODD("wrss", ODD_ANY, 0x0f, 0x38, 0xf6, 0x03),
	ODD("tpause", ODD_ANY, 0x66, 0x0f, 0xae, 0xf0),
	ODD("serialize", ODD_ANY, 0x0f, 0x01, 0xe8),
	ODD("sgdt", ODD_ANY, 0x0f, 0x01, 0x03),
	ODD("sidt", ODD_ANY, 0x0f, 0x01, 0x0b),
	ODD("smsw", ODD_ANY, 0x0f, 0x01, 0xe0),
	ODD("str", ODD_ANY, 0x0f, 0x00, 0xc8),
	ODD("sldt", ODD_ANY, 0x0f, 0x00, 0xc0),
	ODD("too many prefixes", SIGSEGV, 0x66, 0x2e, 0x66, 0x2e, 0x66, 0x2e,
		0x66, 0x2e, 0x66, 0x2e, 0x66, 0x2e, 0x66, 0x2e, 0x66, 0x2e),
};

static void all_interrupts(void)
{
	static struct odd ints[VECTORS];
	static char name[VECTORS][16];

	for (unsigned i = 0; i < VECTORS; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "int %#x", i);
		ints[i] = (struct odd){.name = name[i],
			.bytes = {INT, (unsigned char)i},
			.len = 2,
			.signal = SIGSEGV};
	}
	ints[3].signal = SIGTRAP;
	ints[0x80].signal = SIGSYS;
	odd_try(ints, VECTORS, STEP);
}

static void run(void)
{
	odd_try(odd, sizeof(odd) / sizeof(*odd), 1);
	all_interrupts();
}

const struct attack attack_a11 = {
	.id = "A11",
	.name = "odd instructions, all software interrupts",
	.layer = "the CPU, handlers",
	.off = "the alternate stack",
	.run = run,
};
