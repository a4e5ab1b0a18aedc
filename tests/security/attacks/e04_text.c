/*
 * Text taken away is the daemon's end. Text made writable can still not be
 * written: it has a key that isolates only read.
 */
#include <errno.h>
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static uint64_t page_of(uint64_t at)
{
	return at & ~(uint64_t)4095;
}

/* U. */
static void take_text(struct box_attack *a)
{
	(void)a;
	(void)walls_call(SYS_mprotect, page_of((uint64_t)gate_start), 4096,
		PROT_NONE, 0);
	box_done();
}

/* U. UD2 where the worker enters isolates. */
static void write_text(struct box_attack *a)
{
	(void)a;
	(void)walls_call(SYS_mprotect, page_of((uint64_t)gate_start), 8192,
		PROT_READ | PROT_WRITE | PROT_EXEC, 0);
	*(volatile uint16_t *)(uint64_t)gate_start = 0x0b0f;
	box_done();
}

/* U. */
static void write_const(struct box_attack *a)
{
	volatile uint64_t *at = (uint64_t *)a->place[BOX_CONST];

	(void)walls_call(SYS_mprotect, page_of((uint64_t)at), 4096,
		PROT_READ | PROT_WRITE, 0);
	*at = *at;
	box_got(0);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"the gate's text taken away", take_text, SYS_mprotect,
			.answered = true, .err = ENOMEM, .harm = WALLS_HARMED},
		{"the gate's text overwritten", write_text, SYS_mprotect,
			.answered = true, .err = ENOMEM, .keys = WALLS_PKEY,
			.harm = WALLS_HARMED},
		{"the gate's constants overwritten", write_const, SYS_mprotect,
			.answered = true, .err = ENOMEM, .keys = WALLS_PKEY,
			.harm = WALLS_MADE},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e04 = {
	.id = "E04",
	.name = "mprotect of the gate's text and constants",
	.layer = "dispatch, seccomp, keys",
	.off = "both, or all three",
	.run = run,
};
