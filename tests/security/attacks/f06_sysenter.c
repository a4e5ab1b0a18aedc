/*
 * SYSENTER, the third instruction that enters the kernel: it takes the caller
 * for 32-bit code, and its sixth argument from memory. Where it can't read that
 * it makes no call, asks no wall, and goes back to what it takes for the
 * caller, in 32-bit code: the fault there must do no more than end the isolate.
 *
 * In 64-bit code it is Intel's alone, and the PKU machine's CPU here says that
 * it is Intel's (gvisord-seceval). Others raise SIGILL: then the control can
 * only be the same number by int 0x80, and a note says so.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/check.h"
#include "sandbox/dispatch.h"
#include "tests/security/attack.h"
#include "tests/security/walls.h"

enum {
	I386_EXIT_GROUP = 252,
	STATUS = 7, /* that the process ends with */
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
	walls_sysenter(I386_EXIT_GROUP, STATUS, a->n[0] + 2048);
}

/* U. The sixth argument is where the isolate may not read. */
static void by_sysenter_unreadable(struct box_attack *a)
{
	(void)a;
	walls_sysenter(I386_EXIT_GROUP, STATUS, 0);
}

/* U. */
static void by_int80(struct box_attack *a)
{
	const uint64_t n[7] = {I386_EXIT_GROUP, STATUS};

	(void)a;
	box_got(walls_int80(n));
}

static void session(struct box *b, const void *arg)
{
	static struct box_attack a;

	memset(&a, 0, sizeof(a));
	box_keeper(b, map_low, &a);
	(void)box_attack(b, *(box_attack_fn *const *)arg, &a);
}

static box_attack_fn *const sysenter = by_sysenter;
static box_attack_fn *const unreadable = by_sysenter_unreadable;
static box_attack_fn *const int80 = by_int80;

/* True: this CPU has no such instruction in 64-bit code. */
static bool try_walls(const struct box_off *off, const char *name, int code)
{
	const struct box_report *r = box_run(off, session, &sysenter);
	bool none = box_survived(r) && r->end[0].how == GATE_ABORTED &&
		    r->end[0].fault.signal == SIGILL;

	if (!attack_held(none || walls_refused(r, I386_EXIT_GROUP, code), "%s",
		    name))
		box_say(name, r);
	return none;
}

static void try_unreadable(
	const struct box_off *off, const char *name, bool none)
{
	const struct box_report *r = box_run(off, session, &unreadable);

	if (!attack_held(
		    box_survived(r) && r->end[0].how == GATE_ABORTED &&
			    r->end[0].fault.signal == (none ? SIGILL : SIGSEGV),
		    "an argument that can't be read, %s", name))
		box_say(name, r);
}

/* The call is made: the whole process ends, with the status asked for. */
static void control(bool none)
{
	static const struct box_off off = {.dispatch = true, .filter = true};
	const struct box_report *r =
		box_run(&off, session, none ? &int80 : &sysenter);

	if (!attack_worked(WIFEXITED(r->status) &&
				   WEXITSTATUS(r->status) == STATUS &&
				   r->n_ends == 1 && !r->end[0].ran,
		    "both off"))
		box_say("both off", r);
	attack_note(none ? "this CPU has no SYSENTER in 64-bit code; the "
			   "control is int 0x80, another way in"
			 : "this CPU has SYSENTER; the control is SYSENTER");
}

static void run(void)
{
	bool none = false;

	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		none = try_walls(&runs[i].off, runs[i].name, runs[i].code);
		try_unreadable(&runs[i].off, runs[i].name, none);
	}
	control(none);
}

const struct attack attack_f06 = {
	.id = "F06",
	.name = "system calls by SYSENTER",
	.layer = "dispatch, seccomp",
	.off = "both",
	.run = run,
};
