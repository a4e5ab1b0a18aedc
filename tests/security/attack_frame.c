/*
 * Since Linux 6.12 the kernel writes signal frames with all keys open: an
 * isolate that points its stack at a victim and then faults has it write there.
 * The alternate stack is what stops that; and on it, SS_AUTODISARM is what
 * stops isolates that point their stack at it.
 *
 * Controls: handlers without SA_ONSTACK, an alternate stack without
 * SS_AUTODISARM.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/security/box.h"
#include "tests/security/box_asm.h"

enum trigger {
	TRAP,
	DIVIDE,
	SYSCALL,
	STOP,
	TRIGGERS
};

static const struct {
	const char *name;
	void (*at)(uint64_t rsp);
	int signal;
} triggers[TRIGGERS] = {
	[TRAP] = {"UD2", box_trap_at, SIGILL},
	[DIVIDE] = {"division by zero", box_divide_at, SIGFPE},
	[SYSCALL] = {"system call", box_syscall_at, SIGSYS},
	[STOP] = {"the keeper's SIGURG", box_spin_at, SIGURG},
};

enum {
	STOP_MS = 20,
	/* Above the 128 bytes that the kernel leaves below the stack pointer,
	 * with no room for a frame: a stack found in use overflows there. */
	BOTTOM = 512,
};

/* U. */
static void fault_at(struct box_attack *a)
{
	triggers[a->n[0]].at(a->rsp);
	box_done();
}

struct plan {
	enum trigger trigger;
	bool at_place; /* rsp is in the middle of a victim */
	enum box_place place;
	bool on_altstack;
	uint64_t rsp; /* otherwise, or the offset on the alternate stack */
};

static void session(struct box *b, const void *arg)
{
	const struct plan *p = arg;
	struct box_attack a = {.rsp = p->rsp, .n = {p->trigger}};

	if (p->at_place)
		a.rsp = box_place(b, p->place) + BOX_PATTERN / 2;
	if (p->on_altstack)
		a.rsp = (uint64_t)b->thread->altstack + p->rsp;
	if (p->trigger == STOP)
		box_stop_in(b, STOP_MS);
	(void)box_attack(b, fault_at, &a);
}

static bool caught(const struct box_report *r, const struct plan *p)
{
	return box_survived(r) && r->end[0].how == GATE_ABORTED &&
	       r->end[0].fault.signal == triggers[p->trigger].signal;
}

static void try_place(const struct plan *p)
{
	static const struct box_off no_stack = {.onstack = true};
	const char *name = triggers[p->trigger].name;
	const char *place = box_place_name[p->place];
	const struct box_report *r = box_run(NULL, session, p);

	if (!tap_ok(caught(r, p), "%s with the stack in %s: untouched", name,
		    place))
		box_say("defended", r);
	r = box_run(&no_stack, session, p);
	if (!tap_ok(r->n_ends == 1 && r->end[0].hurt[p->place],
		    "%s with the stack in %s: control", name, place))
		box_say("control", r);
}

static void try_places(void)
{
	static const enum box_place places[] = {
		BOX_HEAP, BOX_OTHER, BOX_PARKED};
	struct plan p = {.at_place = true};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		for (p.trigger = 0; p.trigger < TRIGGERS; p.trigger++) {
			p.place = places[i];
			try_place(&p);
		}
}

static void try_altstack(const char *where, uint64_t offset)
{
	struct plan p = {.on_altstack = true, .rsp = offset};

	for (p.trigger = 0; p.trigger < TRIGGERS; p.trigger++) {
		const struct box_report *r = box_run(NULL, session, &p);

		if (!tap_ok(caught(r, &p),
			    "%s with the stack at the %s of the "
			    "alternate stack: caught",
			    triggers[p.trigger].name, where))
			box_say("defended", r);
	}
}

/* Where the kernel takes the stack pointer for a stack already in use, there
 * is no room below it: it kills the process. */
static void try_armed(void)
{
	static const struct box_off armed = {.autodisarm = true};
	static const struct plan p = {.on_altstack = true, .rsp = BOTTOM};
	const struct box_report *r = box_run(&armed, session, &p);

	if (!tap_ok(WIFSIGNALED(r->status) && !r->hung,
		    "the stack at the alternate stack's bottom: control"))
		box_say("control", r);
}

static void try_elsewhere(const char *where, uint64_t rsp)
{
	struct plan p = {.rsp = rsp};

	for (p.trigger = 0; p.trigger < TRIGGERS; p.trigger++) {
		const struct box_report *r = box_run(NULL, session, &p);

		if (!tap_ok(caught(r, &p), "%s with the stack %s: caught",
			    triggers[p.trigger].name, where))
			box_say("defended", r);
	}
}

int main(void)
{
	box_need_keys();
	try_places();
	try_altstack("bottom", BOTTOM);
	try_altstack("very bottom", 64);
	try_altstack("middle", GATE_ALTSTACK_SIZE / 2);
	try_altstack("top", GATE_ALTSTACK_SIZE - 64);
	try_altstack("very end", GATE_ALTSTACK_SIZE);
	try_armed();
	try_elsewhere("at 0", 0);
	try_elsewhere("at a non-canonical address", 0x8000000000000000);
	try_elsewhere("in the kernel", 0xffffffff81000000);
	try_elsewhere("in text", (uint64_t)&main);
	return tap_plan();
}
