/*
 * Every SYSCALL, SYSENTER and INT 80 in the program's text, at any byte, jumped
 * to with registers of the isolate's choice: addresses mean nothing to the
 * walls. Controls, without the walls: the call is made, and ends the process
 * with a status of the isolate's choice.
 */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/check.h"
#include "sandbox/dispatch.h"
#include "sandbox/scan_self.h"
#include "tests/security/attack.h"
#include "tests/security/box.h"
#include "tests/security/plant_asm.h"

enum {
	SITES = BOX_ENDS,
	CONTROLS = 48, /* at most; evenly spread */
	OWN_STACK = 40 << 10,
	STATUS = 77,
	I386_EXIT = 1,
	CODE_SYSCALL = 0x05, /* behind 0F */
	CODE_INT = 0xcd,
	N_SITE = 0,
	N_NR,
};

struct sites {
	uint64_t at[SITES];
	size_t n;
};

static bool take_site(
	void *arg, const struct scan_hit *hit, const struct scan_map *map)
{
	struct sites *s = arg;

	/* The kernel's own pages: see the attacks on them. */
	if (map->name[0] != '[' && s->n < SITES)
		s->at[s->n++] = hit->offset;
	return true;
}

static const unsigned char *bytes(uint64_t site)
{
	return (const unsigned char *)site;
}

static bool is_syscall(uint64_t site)
{
	return bytes(site)[0] != CODE_INT && bytes(site)[1] == CODE_SYSCALL;
}

static bool is_int(uint64_t site)
{
	return bytes(site)[0] == CODE_INT;
}

/* U. exit_group(STATUS) in the site's dialect. */
static void call_site(struct box_attack *a)
{
	struct plant_jump j = {.rip = a->n[N_SITE],
		.r = {[0] = a->n[N_NR],
			[3] = STATUS,
			[4] = a->stack + OWN_STACK,
			[5] = a->stack + OWN_STACK,
			[7] = STATUS}};

	plant_jump(&j);
}

static struct box_attack attack_on(uint64_t site)
{
	return (struct box_attack){
		.n = {site, is_int(site) ? I386_EXIT : SYS_exit_group}};
}

static void session_sites(struct box *b, const void *arg)
{
	const struct sites *s = arg;

	for (size_t i = 0; i < s->n; i++) {
		const struct box_attack a = attack_on(s->at[i]);

		(void)box_attack(b, call_site, &a);
	}
}

static bool refused(const struct box_end *e, uint64_t site)
{
	for (unsigned i = 0; i < BOX_PLACES; i++)
		if (e->hurt[i])
			return false;
	if (!e->alive || e->how != GATE_ABORTED)
		return false;
	/* SYSENTER: this CPU may not know it in 64-bit mode. */
	if (!is_syscall(site) && !is_int(site))
		return e->fault.signal == SIGILL || e->fault.signal == SIGSYS ||
		       e->fault.signal == SIGSEGV;
	return e->fault.signal == SIGSYS;
}

static void try_control(uint64_t site)
{
	static const struct box_off no_walls = {
		.dispatch = true, .filter = true};
	const struct sites one = {.at = {site}, .n = 1};
	const struct box_report *r = box_run(&no_walls, session_sites, &one);

	if (!attack_worked(
		    WIFEXITED(r->status) && WEXITSTATUS(r->status) == STATUS,
		    "the call at %#lx without walls", site))
		box_say("control", r);
}

static void run(void)
{
	static struct sites s;
	struct scan_self_sum sum;
	const struct box_report *r;
	size_t step, ints = 0;

	CHECK(scan_self(SCAN_SYSCALL, take_site, &s, &sum) == 0);
	r = box_run(NULL, session_sites, &s);
	if (r->status != 0 || r->n_ends != s.n)
		box_say("sites", r);
	for (size_t i = 0; i < s.n; i++) {
		ints += is_int(s.at[i]);
		if (!attack_held(i < r->n_ends && refused(&r->end[i], s.at[i]),
			    "a jump to %#lx", s.at[i]))
			attack_say("how %d signal %d code %d alive %d",
				r->end[i].how, r->end[i].fault.signal,
				r->end[i].fault.code, r->end[i].alive);
	}
	attack_note("%zu places, %zu of them INT 80", s.n, ints);
	step = s.n / CONTROLS + 1;
	for (size_t i = 0; i < s.n; i += step)
		if (is_syscall(s.at[i]))
			try_control(s.at[i]);
}

const struct attack attack_a09 = {
	.id = "A09",
	.name = "jump to every system call instruction in the program",
	.layer = "dispatch, seccomp",
	.off = "dispatch and the filter",
	.run = run,
};
