/*
 * WRPKRU over a border: of two pages, of two mappings that touch (private
 * memory beside a file's). No single page, no single mapping holds it; a
 * scanner that looks at them one by one finds nothing.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/plant.h"

enum {
	LEN = 3
};

/* The second page becomes a file's. */
static void map_file(const struct plant_field *f)
{
	int fd = memfd_create("code", 0);
	void *at = f->at + PLANT_PAGE;

	CHECK(fd >= 0 && ftruncate(fd, PLANT_PAGE) == 0);
	CHECK(mmap(at, PLANT_PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED, fd, 0) == at);
	memset(at, 0xcc, PLANT_PAGE);
	(void)close(fd);
}

static void try_border(const char *name, unsigned before, bool file)
{
	struct plant p = {
		.bytes = {0x0f, 0x01, 0xef}, .len = LEN, .class = SCAN_WRPKRU};
	struct plant_field f;

	(void)strncpy(p.name, name, sizeof(p.name) - 1);
	plant_map(&f, 2);
	if (file)
		map_file(&f);
	plant_lay(&f, &p, PLANT_PAGE - before);
	plant_close(&f);
	attack_held(plant_scan(&f) == 1, "%s: one hit", name);
	plant_cases(&p, 1);
	plant_controls(&p, 1);
	plant_unmap(&f);
}

static void run(void)
{
	try_border("one byte before a page's end", 1, false);
	try_border("two bytes before a page's end", 2, false);
	try_border("one byte in one mapping, two in the next", 1, true);
	try_border("two bytes in one mapping, one in the next", 2, true);
}

const struct attack attack_a03 = {
	.id = "A03",
	.name = "WRPKRU across pages and across mappings",
	.layer = "scanner",
	.off = "the scan",
	.run = run,
};
