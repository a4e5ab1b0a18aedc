/*
 * The old dialect, with numbers of its own: 125 is mprotect there, and would
 * be capget here.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "base/check.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

enum {
	I386_GETPID = 20,
	I386_MPROTECT = 125,
	I386_PRCTL = 172,
	I386_SIGRETURN = 173,
	I386_MMAP2 = 192,
	I386_EXIT_GROUP = 252,
	I386_PKEY_MPROTECT = 380,
};

/* Keeper: trusted memory with a secret, where 32 bits can say it. */
static void map_low(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	uint64_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	CHECK(p != MAP_FAILED);
	*p = b->canary;
	a->n[1] = (uint64_t)p;
}

/* Keeper: the number in EAX was made a call, whatever came of it. */
static void look(struct box *b, void *attack)
{
	(void)attack;
	b->report->number[0] = walls_got(&b->report->end[0]) &&
			       b->report->end[0].arg[0] != (uint64_t)-ENOSYS;
}

/* Keeper: it took the stack for a frame of its own kind. */
static void look_fault(struct box *b, void *attack)
{
	const struct box_end *end = &b->report->end[0];

	(void)attack;
	b->report->number[0] =
		end->how == GATE_ABORTED && end->fault.signal == SIGSEGV;
}

/* U. */
static void call(struct box_attack *a)
{
	box_got(walls_int80(a->n));
}

/* U. */
static void retag(struct box_attack *a)
{
	const uint64_t n[7] = {I386_PKEY_MPROTECT, a->n[1], 4096,
		PROT_READ | PROT_WRITE, walls_own_key(a)};

	(void)walls_int80(n);
	box_got(*(volatile uint64_t *)a->n[1]);
}

/* U. */
static void protect(struct box_attack *a)
{
	const uint64_t n[7] = {I386_MPROTECT, a->n[1], 4096, PROT_NONE};

	box_got(walls_int80(n));
}

static void run(void)
{
	static const struct walls_case cases[] = {
		{"getpid", call, I386_GETPID, .harm = WALLS_MADE,
			.n = {I386_GETPID}},
		{"mmap2", call, I386_MMAP2, .harm = WALLS_SEEN,
			.n = {I386_MMAP2, 0, 4096, 3, 0x22, UINT32_MAX},
			.after = look},
		{"exit_group", call, I386_EXIT_GROUP, .harm = WALLS_HARMED,
			.n = {I386_EXIT_GROUP, 7}},
		{"prctl", call, I386_PRCTL, .harm = WALLS_MADE,
			.n = {I386_PRCTL, 4, 0}},
		{"rt_sigreturn", call, I386_SIGRETURN, .harm = WALLS_SEEN,
			.n = {I386_SIGRETURN}, .after = look_fault},
		{"pkey_mprotect of a secret below 4 GiB", retag,
			I386_PKEY_MPROTECT, .harm = WALLS_LEAKED,
			.before = map_low},
		{"mprotect of a secret below 4 GiB", protect, I386_MPROTECT,
			.harm = WALLS_MADE, .before = map_low},
	};

	WALLS_TRY(cases);
}

const struct attack attack_f04 = {
	.id = "F04",
	.name = "system calls by int 0x80",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
