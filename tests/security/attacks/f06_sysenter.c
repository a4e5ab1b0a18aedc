/*
 * SYSENTER, the third instruction that enters the kernel: it takes the caller
 * for 32-bit code, and its sixth argument from memory. In 64-bit code it is
 * Intel's alone: other CPUs, and emulated ones, raise SIGILL. The control then
 * is the same number by int 0x80, which all have.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "sandbox/dispatch.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

enum {
	I386_EXIT_GROUP = 252,
	CODE_SECCOMP = 1,
};

static const struct {
	const char *name;
	struct box_off off;
	int code;
} runs[] = {
	{"both walls", {0}, DISPATCH_SI_CODE},
	{"dispatch off", {.dispatch = true}, CODE_SECCOMP},
	{"filter off", {.filter = true}, DISPATCH_SI_CODE},
};

/* Keeper: memory of the isolate's, where 32 bits can say it: the kernel reads
 * an argument there. */
static void map_low(struct box *b, void *attack)
{
	struct box_attack *a = attack;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 0, 4096);
	CHECK(!b->prim.hardware ||
		b->prim.tag(p, 4096, PROT_READ | PROT_WRITE,
			domain_key(&b->attacker.domain)) == 0);
	a->n[0] = (uint64_t)p;
}

/* U. */
static void by_sysenter(struct box_attack *a)
{
	walls_sysenter(I386_EXIT_GROUP, 7, a->n[0] + 2048);
}

/* U. */
static void by_int80(struct box_attack *a)
{
	const uint64_t n[7] = {I386_EXIT_GROUP, 7};

	(void)a;
	box_got(walls_int80(n));
}

static void session(struct box *b, const void *arg)
{
	static struct box_attack a;

	memset(&a, 0, sizeof(a));
	box_keeper(b, map_low, &a);
	(void)box_attack(b, arg ? by_int80 : by_sysenter, &a);
}

static void run(void)
{
	static const struct box_off off = {.dispatch = true, .filter = true};
	const struct box_report *r;
	bool refused = false;

	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		r = box_run(&runs[i].off, session, NULL);
		refused = r->end[0].how == GATE_ABORTED &&
			  r->end[0].fault.signal == SIGILL;
		if (!attack_held((box_survived(r) && refused) ||
					 walls_refused(r, I386_EXIT_GROUP,
						 runs[i].code),
			    "%s", runs[i].name))
			box_say(runs[i].name, r);
	}
	if (refused)
		attack_note("this CPU has no SYSENTER in 64-bit code");
	r = box_run(&off, session, refused ? &off : NULL);
	if (!attack_worked(r->n_ends == 1 && !r->end[0].ran, "both off"))
		box_say("both off", r);
}

const struct attack attack_f06 = {
	.id = "F06",
	.name = "system calls by SYSENTER",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
