/*
 * Segment registers loaded with every selector there is, by every instruction
 * that loads one: null ones, the kernel's, those of 32-bit code and of tables
 * that nobody set up. FS and GS lose their bases by it.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/odd.h"

enum {
	MOV_EAX = 0xb8,
	PUSH = 0x6a,
	MAX = 256,
	STEP = 7,
};

static const struct loader {
	const char *name;
	unsigned char bytes[4];
	unsigned len;
	bool pops;
} loaders[] = {
	{"mov ds", {0x8e, 0xd8}, 2, false},
	{"mov es", {0x8e, 0xc0}, 2, false},
	{"mov fs", {0x8e, 0xe0}, 2, false},
	{"mov gs", {0x8e, 0xe8}, 2, false},
	{"mov ss", {0x8e, 0xd0}, 2, false},
	{"mov cs", {0x8e, 0xc8}, 2, false},
	{"pop fs", {0x0f, 0xa1}, 2, true},
	{"pop gs", {0x0f, 0xa9}, 2, true},
};

/* From memory: 64 bits that go to a register, then the selector. */
static const struct loader far_loaders[] = {
	{"lss", {0x48, 0x0f, 0xb2, 0x03}, 4, false},
	{"lfs", {0x48, 0x0f, 0xb4, 0x03}, 4, false},
	{"lgs", {0x48, 0x0f, 0xb5, 0x03}, 4, false},
};

static const unsigned char selectors[] = {0, 1, 2, 3, 0x08, 0x0b, 0x10, 0x13,
	0x18, 0x1b, 0x20, 0x23, 0x28, 0x2b, 0x30, 0x33, 0x40, 0x43, 0x63, 0x73,
	0x7b, 0x07, 0x0f};

static struct odd odds[MAX];
static char name[MAX][32];
static size_t n;

static struct odd *next(const struct loader *l, unsigned char selector)
{
	struct odd *o = &odds[n];

	(void)snprintf(name[n], sizeof(name[n]), "%s, %#x", l->name, selector);
	o->name = name[n++];
	o->signal = ODD_ANY;
	return o;
}

static void add(const struct loader *l, unsigned char selector)
{
	struct odd *o = next(l, selector);

	o->bytes[0] = l->pops ? PUSH : MOV_EAX;
	o->bytes[1] = selector;
	o->len = l->pops ? 2 : 5;
	memcpy(o->bytes + o->len, l->bytes, l->len);
	o->len += l->len;
}

static void add_far(const struct loader *l, unsigned char selector)
{
	struct odd *o = next(l, selector);

	memcpy(o->bytes, l->bytes, l->len);
	o->len = l->len;
	o->frame[1] = selector;
}

static void run(void)
{
	for (size_t i = 0; i < sizeof(selectors); i++) {
		for (size_t k = 0; k < sizeof(loaders) / sizeof(*loaders); k++)
			add(&loaders[k], selectors[i]);
		for (size_t k = 0;
			k < sizeof(far_loaders) / sizeof(*far_loaders); k++)
			add_far(&far_loaders[k], selectors[i]);
	}
	odd_try(odds, n, STEP);
}

const struct attack attack_a13 = {
	.id = "A13",
	.name = "load every selector into every segment register",
	.layer = "the CPU, handlers",
	.off = "the alternate stack",
	.run = run,
};
