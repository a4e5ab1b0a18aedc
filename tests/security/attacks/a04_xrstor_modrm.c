/*
 * XRSTOR (0F AE /5) with every memory operand there is: it loads PKRU from
 * there, zeros open everything. All ModRM and SIB bytes, displacements of all
 * sizes. Jumped to: all bases, with each index once.
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/plant.h"

enum {
	STRIDE = 32,
	RM_SIB = 4,
	RM_RIP = 5,   /* of mod 0 */
	NO_INDEX = 4, /* SIB's */
	NO_BASE = 5,  /* SIB's, of mod 0 */
	DISPLACED = 0x400,
	MAX = 3 * 8 + 3 * 256,
};

static struct plant p[MAX];
static struct plant run_these[MAX];

static int32_t displacement(int mod)
{
	return mod == 2 ? DISPLACED : 0;
}

static void put_displacement(struct plant *x, unsigned bytes)
{
	memcpy(x->bytes + x->len, &x->disp, bytes);
	x->len += bytes;
}

/* A SIB byte: base and index by number, and the operand with neither. */
static void put_sib(struct plant *x, int mod, int sib)
{
	int base = sib & 7, index = sib >> 3 & 7;

	x->bytes[x->len++] = (unsigned char)sib;
	x->base = base;
	x->index = index == NO_INDEX ? PLANT_NONE : index;
	x->scale = 1u << (sib >> 6);
	if (mod == 0 && base == NO_BASE) {
		x->base = PLANT_NONE;
		x->low = true;
		x->disp = PLANT_OPERAND;
		put_displacement(x, 4);
	}
}

static void make(struct plant *x, int mod, int rm, int sib)
{
	*x = (struct plant){
		.bytes = {0x0f, 0xae, (unsigned char)(mod << 6 | 5 << 3 | rm)},
		.len = 3,
		.class = SCAN_XRSTOR,
		.base = rm,
		.index = PLANT_NONE,
		.disp = displacement(mod)};
	(void)snprintf(x->name, sizeof(x->name), "mod %d rm %d sib %#x", mod,
		rm, rm == RM_SIB ? (unsigned)sib : 0);
	if (rm == RM_SIB)
		put_sib(x, mod, sib);
	if (mod == 0 && rm == RM_RIP)
		put_displacement(x, 4);
	if (mod)
		put_displacement(x, mod == 1 ? 1 : 4);
}

/* Those whose operand can be aimed: not where one register is both base and
 * index, or nothing but an index. RIP's distance is too far to our memory. */
static bool can_aim(const struct plant *x, int mod, int rm)
{
	if (mod == 0 && rm == RM_RIP)
		return false;
	return x->index == PLANT_NONE ||
	       (x->base != x->index && !x->low && x->scale == 1);
}

static void run(void)
{
	size_t n = 0, aimed = 0;
	struct plant_field f;
	size_t found = 0;

	plant_map(&f, MAX * STRIDE / PLANT_PAGE + 1);
	for (int mod = 0; mod < 3; mod++)
		for (int rm = 0; rm < 8; rm++)
			for (int sib = 0; sib < (rm == RM_SIB ? 256 : 1);
				sib++, n++) {
				make(&p[n], mod, rm, sib);
				plant_lay(&f, &p[n], n * STRIDE);
				if (can_aim(&p[n], mod, rm))
					run_these[aimed++] = p[n];
			}
	plant_close(&f);
	(void)plant_scan(&f);
	for (size_t i = 0; i < n; i++) {
		if (plant_found(&p[i]))
			found++;
		else
			attack_held(false, "not found: %s", p[i].name);
	}
	attack_held(found == n, "%zu found of %zu", found, n);
	attack_note("%zu operands, %zu of them jumped to", n, aimed);
	plant_controls(run_these, aimed);
}

const struct attack attack_a04 = {
	.id = "A04",
	.name = "XRSTOR with every memory operand",
	.layer = "scanner",
	.off = "the scan",
	.run = run,
};
