/*
 * Memory made executable after the scanner looked: an instruction that opens
 * all keys is three bytes.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/security/attack.h"
#include "tests/security/walls.h"

/* U. */
static uint64_t own_page(const struct box_attack *a)
{
	return a->stack + (400 << 10);
}

/* U. xor of eax, ecx, edx; wrpkru; ret. */
__attribute__((noreturn)) static void loot(struct box_attack *a, uint64_t at)
{
	static const unsigned char code[] = {
		0x31, 0xc0, 0x31, 0xc9, 0x31, 0xd2, 0x0f, 0x01, 0x6f, 0xc3};

	memcpy((void *)at, code, sizeof(code));
	/* Put together here, so that this program's text holds none. */
	((volatile unsigned char *)at)[8] |= 0x80;
	((void (*)(void))at)();
	box_got(*(volatile uint64_t *)a->place[a->n[0]]);
}

/* U. */
static void run_wrpkru(struct box_attack *a)
{
	uint64_t at = own_page(a);

	(void)walls_call(a->n[1], at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		walls_own_key(a));
	loot(a, at);
}

/* U. A mapping without a key of the isolate's is closed to it. */
static void map_wrpkru(struct box_attack *a)
{
	const uint64_t args[6] = {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0};
	uint64_t at = walls_call6(SYS_mmap, args);

	(void)walls_call(SYS_pkey_mprotect, at, 4096,
		PROT_READ | PROT_WRITE | PROT_EXEC, walls_own_key(a));
	loot(a, at);
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"WRPKRU by mprotect, heap", run_wrpkru, SYS_mprotect,
			.answered = true, .err = ENOMEM, .harm = WALLS_LEAKED,
			.n = {BOX_HEAP, SYS_mprotect}},
		{"WRPKRU by pkey_mprotect, parked isolate", run_wrpkru,
			SYS_pkey_mprotect, .harm = WALLS_LEAKED,
			.n = {BOX_PARKED, SYS_pkey_mprotect}},
		{"WRPKRU in new memory, heap", map_wrpkru, SYS_mmap,
			.answered = true, .err = ENOMEM, .harm = WALLS_LEAKED,
			.n = {BOX_HEAP}},
	};

	WALLS_TRY(cases);
}

const struct attack attack_e16 = {
	.id = "E16",
	.name = "mprotect: unscanned code of one's own",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
