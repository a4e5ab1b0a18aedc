/*
 * WRPKRU in memory that can be executed but not read: nobody can say what is
 * in it, so a scan that passes over it says nothing. It must be an error.
 */
#include <errno.h>
#include <sys/mman.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/plant.h"

static void run(void)
{
	struct plant p = {.name = "in execute-only memory",
		.bytes = {0x0f, 0x01, 0xef},
		.len = 3,
		.class = SCAN_WRPKRU};
	struct plant_field f;
	int r;

	plant_map(&f, 1);
	plant_lay(&f, &p, PLANT_PAGE / 2);
	plant_close(&f);
	attack_held(plant_scan(&f) == 1, "readable, it is found");
	CHECK(mprotect(f.at, f.len, PROT_EXEC) == 0);
	r = plant_scan(&f);
	attack_held(r == -EACCES, "unreadable, the scan fails: %d", r);
	plant_controls(&p, 1);
}

const struct attack attack_a15 = {
	.id = "A15",
	.name = "WRPKRU in memory that can be executed but not read",
	.layer = "scanner",
	.off = "the scan",
	.run = run,
};
