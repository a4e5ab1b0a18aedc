/*
 * WRFSBASE and WRGSBASE (F3 0F AE /2, /3), which move what the C library, the
 * compiler and the gate find through FS and GS: from every register, in both
 * sizes, with every REX, with prefixes in any order.
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/plant.h"

enum {
	STRIDE = 32,
	MODRM = 0xd0, /* /2, register 0 */
	GS = 8,	      /* /3 */
	REX = 0x40,
	REX_W = 8,
	REX_B = 1,
	MAX = 1024,
};

static struct plant p[MAX];
static size_t n;

/* hit: where 0F stands. */
static void add(const char *name, const unsigned char *prefix, unsigned len,
	unsigned rex, unsigned which)
{
	struct plant *x = &p[n++];

	*x = (struct plant){.class = SCAN_WRBASE,
		.effect = which & GS ? PLANT_GS : PLANT_FS,
		.base = (int)(which % 8 + (rex & REX_B ? 8 : 0)),
		.scale = (rex & REX_W) != 0};
	memcpy(x->bytes, prefix, len);
	x->len = len;
	if (rex)
		x->bytes[x->len++] = (unsigned char)rex;
	x->hit = x->len;
	x->bytes[x->len++] = 0x0f;
	x->bytes[x->len++] = 0xae;
	x->bytes[x->len++] = (unsigned char)(MODRM + which);
	(void)snprintf(x->name, sizeof(x->name), "%s rex %#x modrm %#x", name,
		rex, MODRM + which);
}

static void add_rex(unsigned rex)
{
	for (unsigned which = 0; which < 16; which++)
		add("F3", (const unsigned char[]){0xf3}, 1, rex, which);
}

static void add_prefixes(void)
{
	static const struct {
		const char *name;
		unsigned char bytes[4];
		unsigned len;
	} prefixes[] = {
		{"F3 F3", {0xf3, 0xf3}, 2},
		{"2E F3", {0x2e, 0xf3}, 2},
		{"F3 2E", {0xf3, 0x2e}, 2},
		{"67 F3", {0x67, 0xf3}, 2},
		{"F3 67", {0xf3, 0x67}, 2},
		{"F3 3E 26", {0xf3, 0x3e, 0x26}, 3},
		{"F3 REX", {0xf3, 0x4f}, 2},
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		for (unsigned which = 3; which < 16; which += GS)
			add(prefixes[i].name, prefixes[i].bytes,
				prefixes[i].len, REX + REX_W, which);
}

static void run(void)
{
	struct plant_field f;
	size_t found = 0;

	add_rex(0);
	for (unsigned rex = REX; rex < REX + 16; rex++)
		add_rex(rex);
	add_prefixes();
	plant_map(&f, MAX * STRIDE / PLANT_PAGE);
	for (size_t i = 0; i < n; i++)
		plant_lay(&f, &p[i], i * STRIDE);
	plant_close(&f);
	(void)plant_scan(&f);
	for (size_t i = 0; i < n; i++)
		found += attack_held(plant_found(&p[i]), "%s", p[i].name);
	attack_note("%zu encodings, %zu found", n, found);
	plant_controls(p, n);
}

const struct attack attack_a06 = {
	.id = "A06",
	.name = "WRFSBASE and WRGSBASE in every encoding",
	.layer = "scanner",
	.off = "the scan",
	.run = run,
};
