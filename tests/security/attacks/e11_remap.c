/*
 * Pages of a shared mapping show another part of it; here all isolates' memory
 * is one such mapping. Then the key is mended.
 */
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static void remap(struct box_attack *a)
{
	uint64_t at = a->stack + (400 << 10);
	const uint64_t args[6] = {at, 4096, 0, a->n[0] / 4096, 0, 0};

	(void)walls_call6(SYS_remap_file_pages, args);
	(void)walls_call(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_WRITE,
		walls_own_key(a));
	box_got(*(volatile uint64_t *)at);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"heap", remap, SYS_remap_file_pages, .harm = WALLS_LEAKED,
			.n = {offsetof(struct box_vault, heap)}},
		{"parked isolate", remap, SYS_remap_file_pages,
			.harm = WALLS_LEAKED,
			.n = {offsetof(struct box_vault, parked) +
				BOX_SECRET_AT}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e11 = {
	.id = "E11",
	.name = "remap_file_pages: one's own pages become a victim's",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
