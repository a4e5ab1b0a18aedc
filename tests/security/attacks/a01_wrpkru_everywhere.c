/*
 * WRPKRU at every offset of a cache line, as the first bytes of a mapping and
 * as its last three: a scanner that steps, aligns or stops short misses some.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/plant.h"

enum {
	OFFSETS = 64,
	STRIDE = 2 * OFFSETS,
	PAGES = 4, /* the last becomes the gap behind */
	LEN = 3,
};

static void make(struct plant *p, const char *where)
{
	*p = (struct plant){
		.bytes = {0x0f, 0x01, 0xef}, .len = LEN, .class = SCAN_WRPKRU};
	(void)snprintf(p->name, sizeof(p->name), "WRPKRU %s", where);
}

/* The gap is closed for the controls: code must go on somewhere. */
static void close_gap(struct plant_field *f, struct plant *last)
{
	struct plant_field all = {f->at, f->len + PLANT_PAGE};

	CHECK(mprotect(all.at, all.len, PROT_READ | PROT_WRITE) == 0);
	plant_lay(&all, last, f->len - LEN);
	plant_close(&all);
}

static void run(void)
{
	static struct plant p[OFFSETS + 2];
	struct plant *first = &p[OFFSETS], *last = &p[OFFSETS + 1];
	struct plant_field f;
	char where[32];
	int n;

	plant_map(&f, PAGES);
	for (size_t i = 0; i < OFFSETS; i++) {
		(void)snprintf(where, sizeof(where), "at offset %zu", i);
		make(&p[i], where);
		plant_lay(&f, &p[i], STRIDE * (i + 1) + i);
	}
	make(first, "as a mapping's first bytes");
	plant_lay(&f, first, 0);
	f.len -= PLANT_PAGE;
	make(last, "as a mapping's last bytes");
	plant_lay(&f, last, f.len - LEN);
	plant_close(&f);
	CHECK(mprotect(f.at + f.len, PLANT_PAGE, PROT_NONE) == 0);
	n = plant_scan(&f);
	attack_held(n == OFFSETS + 2, "nothing more and nothing less: %d", n);
	plant_cases(p, OFFSETS + 2);
	close_gap(&f, last);
	plant_controls(p, OFFSETS + 2);
}

const struct attack attack_a01 = {
	.id = "A01",
	.name = "WRPKRU at every alignment and at a mapping's ends",
	.layer = "scanner",
	.off = "the scan",
	.run = run,
};
