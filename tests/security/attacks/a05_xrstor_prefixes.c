/*
 * XRSTOR64 and redundant prefixes: REX in all forms, segments, address size,
 * several at once; and the REX2 of APX, which this CPU need not know.
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/plant.h"

enum {
	STRIDE = 32,
	RBX = 3,
	REX = 0x40,
	REX_B = 1,
	MAX = 128,
};

static struct plant p[MAX];
static size_t n;

static void add(const char *name, const void *prefix, unsigned len, int base)
{
	struct plant *x = &p[n++];

	*x = (struct plant){.class = SCAN_XRSTOR,
		.base = base,
		.index = PLANT_NONE,
		.hit = len,
		.len = len + 3};
	memcpy(x->bytes, prefix, len);
	memcpy(x->bytes + len, "\x0f\xae\x2b", 3); /* xrstor (%rbx) */
	(void)snprintf(x->name, sizeof(x->name), "%s", name);
}

static void add_rex(void)
{
	char name[32];

	for (unsigned rex = REX; rex < REX + 16; rex++) {
		const unsigned char byte = (unsigned char)rex;

		(void)snprintf(name, sizeof(name), "REX %#x", rex);
		add(name, &byte, 1, rex & REX_B ? RBX + 8 : RBX);
	}
}

/* The FS base is the isolate's own, so is not added; GS's is a page's. */
static void add_prefixes(void)
{
	add("segment CS", "\x2e", 1, RBX);
	add("segment SS", "\x36", 1, RBX);
	add("segment DS", "\x3e", 1, RBX);
	add("segment ES", "\x26", 1, RBX);
	add("segment and REX.W", "\x3e\x48", 2, RBX);
	add("three segments", "\x3e\x26\x2e", 3, RBX);
	add("two REX", "\x4f\x48", 2, RBX);
	add("address size", "\x67", 1, RBX);
	p[n - 1].low = true;
	add("address size and REX.W", "\x67\x48", 2, RBX);
	p[n - 1].low = true;
}

/* D5, then a payload that selects the second table: stands for the 0F. */
static void add_rex2(void)
{
	for (unsigned payload = 0x80; payload < 0x100; payload += 8) {
		struct plant *x = &p[n++];

		*x = (struct plant){
			.bytes = {0xd5, (unsigned char)payload, 0xae, 0x2b},
			.len = 4,
			.class = SCAN_XRSTOR,
			.effect = PLANT_NOTHING};
		(void)snprintf(x->name, sizeof(x->name), "REX2 %#x", payload);
	}
}

static void run(void)
{
	struct plant_field f;

	add_rex();
	add_prefixes();
	add_rex2();
	plant_map(&f, 1);
	for (size_t i = 0; i < n; i++)
		plant_lay(&f, &p[i], i * STRIDE);
	plant_close(&f);
	(void)plant_scan(&f);
	plant_cases(p, n);
	plant_controls(p, n);
	attack_note("REX2 is refused; no CPU here that runs it");
}

const struct attack attack_a05 = {
	.id = "A05",
	.name = "XRSTOR64 and XRSTOR behind redundant prefixes",
	.layer = "scanner",
	.off = "the scan",
	.run = run,
};
