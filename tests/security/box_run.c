/* The box, parent's side: one child per run, and the verdict on victims. */
#include "tests/security/box.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/security/box_child.h"

enum {
	PATIENCE_MS = 20000
};

const char *const box_place_name[BOX_PLACES] = {
	[BOX_HEAP] = "trusted heap",
	[BOX_DATA] = ".data",
	[BOX_BSS] = ".bss",
	[BOX_STACK] = "the worker's stack",
	[BOX_THREAD] = "gate_thread",
	[BOX_ALTSTACK] = "the alternate stack",
	[BOX_OTHER] = "a resident isolate",
	[BOX_PARKED] = "a parked isolate",
	[BOX_SELECTOR] = "the dispatch selector",
	[BOX_LIBC] = "the C library's data",
	[BOX_RODATA] = ".rodata",
	[BOX_CONST] = "the gate's constants",
};

static struct box_vault *vault;

static void vault_pattern(char *p)
{
	for (size_t i = 0; i < BOX_PATTERN; i += sizeof(vault->canary))
		memcpy(p + i, &vault->canary, sizeof(vault->canary));
}

static void vault_fill(void)
{
	if (!vault)
		vault = mmap(NULL, sizeof(*vault), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(vault != MAP_FAILED);
	memset(&vault->report, 0, sizeof(vault->report));
	CHECK(getrandom(&vault->canary, sizeof(vault->canary), 0) ==
		sizeof(vault->canary));
	vault_pattern(vault->heap);
	vault_pattern(vault->other + BOX_SECRET_AT);
	vault_pattern(vault->parked + BOX_SECRET_AT);
	memset(vault->attacker, 0, sizeof(vault->attacker));
}

static void wait_for(pid_t pid, struct box_report *r)
{
	for (unsigned ms = 0; ms < PATIENCE_MS; ms++) {
		if (waitpid(pid, &r->status, WNOHANG) == pid)
			return;
		(void)usleep(1000);
	}
	r->hung = true;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &r->status, 0);
}

static void vault_judge(struct box_report *r)
{
	static const enum box_place places[] = {
		BOX_HEAP, BOX_OTHER, BOX_PARKED};

	/* A child gone wild may have left anything here. */
	if (r->n_ends > BOX_ENDS)
		r->n_ends = 0;
	if (r->n_ends == 0)
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!box_vault_whole(vault, places[i]))
			r->end[r->n_ends - 1].hurt[places[i]] = true;
}

const struct box_report *box_run(
	const struct box_off *off, box_session_fn *session, const void *arg)
{
	static struct box b;
	pid_t pid;

	vault_fill();
	memset(&b, 0, sizeof(b));
	if (off)
		b.off = *off;
	b.prim = b.off.keys ? prim_soft : prim_mpk;
	b.vault = vault;
	b.session = session;
	b.session_arg = arg;
	(void)fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		box_child(&b);
	wait_for(pid, &vault->report);
	vault_judge(&vault->report);
	return &vault->report;
}

struct one {
	box_attack_fn *fn;
	const struct box_attack *a;
};

static void one_session(struct box *b, const void *arg)
{
	const struct one *one = arg;

	(void)box_attack(b, one->fn, one->a);
}

const struct box_report *box_run_one(const struct box_off *off,
	box_attack_fn *fn, const struct box_attack *a)
{
	struct one one = {fn, a};

	return box_run(off, one_session, &one);
}

bool box_survived(const struct box_report *r)
{
	const struct box_end *e = &r->end[0];

	if (r->status != 0 || r->n_ends != 1 || !e->ran || !e->alive)
		return false;
	for (unsigned i = 0; i < BOX_PLACES; i++)
		if (e->hurt[i])
			return false;
	return !e->leaked;
}
