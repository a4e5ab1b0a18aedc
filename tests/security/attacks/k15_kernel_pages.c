/*
 * The kernel's pages in the process: the vdso and the clock's data beside it.
 * They have key 0, so that isolates read no fine clock there, nor call the code
 * that does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "tests/security/access.h"
#include "tests/security/attack.h"
#include "tests/security/box.h"

/* U. */
static void read_page(struct box_attack *a)
{
	box_got(*(volatile uint64_t *)a->n[0]);
}

static uint64_t mapping(const char *name)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[256];
	uint64_t at = 0;

	while (f && !at && fgets(line, sizeof(line), f))
		if (strstr(line, name))
			(void)sscanf(line, "%" SCNx64, &at);
	if (f)
		(void)fclose(f);
	return at;
}

static void try_page(const char *name, uint64_t at)
{
	static const struct box_off no_keys = {.keys = true};
	const struct box_attack a = {.n = {at}};
	const struct box_report *r = box_run_one(NULL, read_page, &a);

	if (!attack_held(at && access_refused(r, BOX_HEAP), "read %s", name))
		box_say(name, r);
	r = box_run_one(&no_keys, read_page, &a);
	if (!attack_worked(
		    r->end[0].how == GATE_LEFT && r->end[0].nr == BOX_GOT,
		    "read %s without keys", name))
		box_say(name, r);
}

static void run(void)
{
	try_page("the clock's data", mapping("[vvar]"));
	try_page("the vdso", getauxval(AT_SYSINFO_EHDR));
}

const struct attack attack_k15 = {
	.id = "K15",
	.name = "read the kernel's clock pages",
	.layer = "protection keys",
	.off = "keys",
	.run = run,
};
