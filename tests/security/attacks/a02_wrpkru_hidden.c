/*
 * WRPKRU where a disassembler sees something else: in an immediate, in a
 * displacement, across two instructions, in the tail of another one. Isolates
 * jump to any byte.
 */
#include "tests/security/attack.h"
#include "tests/security/plant.h"

enum {
	STRIDE = 61
};

#define HIDDEN(text, at, ...)                                                  \
	{                                                                      \
		.name = (text), .bytes = {__VA_ARGS__},                        \
		.len = sizeof((unsigned char[]){__VA_ARGS__}), .entry = (at),  \
		.hit = (at), .class = SCAN_WRPKRU                              \
	}

static struct plant hidden[] = {
	HIDDEN("in a 32-bit immediate's start", 1, 0xb8, 0x0f, 0x01, 0xef),
	HIDDEN("in a 32-bit immediate's end", 2, 0xb8, 0x90, 0x0f, 0x01, 0xef),
	HIDDEN("in a 64-bit immediate", 5, 0x48, 0xb8, 0x00, 0x11, 0x22, 0x0f,
		0x01, 0xef),
	HIDDEN("in a displacement", 4, 0x48, 0x8b, 0x80, 0x00, 0x0f, 0x01,
		0xef),
	HIDDEN("in a jump's distance", 2, 0xe9, 0x00, 0x0f, 0x01, 0xef),
	HIDDEN("in a call's distance", 2, 0xe8, 0x00, 0x0f, 0x01, 0xef),
	HIDDEN("behind a SIB byte", 4, 0x8b, 0x84, 0x24, 0x00, 0x0f, 0x01,
		0xef),
	HIDDEN("immediate, then an addition", 1, 0xb0, 0x0f, 0x01, 0xef),
	HIDDEN("displacement, then an addition", 2, 0x8a, 0x40, 0x0f, 0x01,
		0xef),
	HIDDEN("in a shift's count, then an addition", 3, 0x48, 0xc1, 0xe0,
		0x0f, 0x01, 0xef),
	HIDDEN("in STUI", 1, 0xf3, 0x0f, 0x01, 0xef),
	HIDDEN("behind REX", 1, 0x48, 0x0f, 0x01, 0xef),
	HIDDEN("behind an operand prefix", 1, 0x66, 0x0f, 0x01, 0xef),
	HIDDEN("behind LOCK", 1, 0xf0, 0x0f, 0x01, 0xef),
	HIDDEN("behind a VEX prefix's start", 2, 0xc5, 0xf8, 0x0f, 0x01, 0xef),
	HIDDEN("behind another 0F", 1, 0x0f, 0x0f, 0x01, 0xef),
	HIDDEN("behind 0F 01", 2, 0x0f, 0x01, 0x0f, 0x01, 0xef),
	HIDDEN("in a multi-byte NOP", 4, 0x0f, 0x1f, 0x80, 0x00, 0x0f, 0x01,
		0xef),
};

/* A prefix that the instruction itself takes. */
static struct plant prefixed[] = {
	HIDDEN("with REX.W", 1, 0x48, 0x0f, 0x01, 0xef),
	HIDDEN("with every REX bit", 1, 0x4f, 0x0f, 0x01, 0xef),
	HIDDEN("with a segment prefix", 1, 0x2e, 0x0f, 0x01, 0xef),
	HIDDEN("with an address size prefix", 1, 0x67, 0x0f, 0x01, 0xef),
};

static void try_all(struct plant *p, size_t n)
{
	struct plant_field f;
	int found;

	plant_map(&f, 1);
	for (size_t i = 0; i < n; i++)
		plant_lay(&f, &p[i], (i + 1) * STRIDE);
	plant_close(&f);
	found = plant_scan(&f);
	attack_held(found == (int)n, "%d found of %zu", found, n);
	plant_cases(p, n);
	plant_controls(p, n);
	plant_unmap(&f);
}

static void run(void)
{
	try_all(hidden, sizeof(hidden) / sizeof(*hidden));
	for (size_t i = 0; i < sizeof(prefixed) / sizeof(*prefixed); i++)
		prefixed[i].entry = 0;
	try_all(prefixed, sizeof(prefixed) / sizeof(*prefixed));
}

const struct attack attack_a02 = {
	.id = "A02",
	.name = "WRPKRU inside other instructions, and STUI",
	.layer = "scanner",
	.off = "the scan",
	.run = run,
};
