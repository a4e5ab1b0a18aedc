/*
 * READ_IMPLIES_EXEC: every page that may be read from then on may be executed,
 * scanned or not.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static uint64_t own_page(const struct box_attack *a)
{
	return a->stack + (400 << 10);
}

/* U. mov $42, %eax; ret, in a page that was asked for without execution. */
static void imply(struct box_attack *a)
{
	static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
	uint64_t at = own_page(a);

	(void)walls_call(SYS_personality, READ_IMPLIES_EXEC, 0, 0, 0);
	(void)walls_call(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_WRITE,
		walls_own_key(a));
	memcpy((void *)at, code, sizeof(code));
	box_got(((uint64_t(*)(void))at)());
}

/* Keeper. */
static void look(struct box *b, void *attack)
{
	(void)attack;
	b->report->number[0] =
		walls_got(&b->report->end[0]) && b->report->end[0].arg[0] == 42;
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"code of one's own", imply, SYS_personality,
			.harm = WALLS_SEEN, .after = look},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e14 = {
	.id = "E14",
	.name = "personality: data becomes executable",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
