/*
 * A retag that the kernel refuses: nobody knows then which key the pages have.
 * The isolate concerned must be gone, the rest go on, no page carry a foreign
 * key. Control: a failure that is not noticed.
 */
#include <errno.h>

#include "tests/security/attack.h"
#include "tests/security/many.h"

static const struct failure {
	const char *name;
	int nth;      /* of the tags of one bind: 1 evicts, 2 binds */
	bool release; /* instead of a bind */
	uint64_t dead;
} failures[] = {
	{"failed eviction", 1, false, 1},
	{"failed binding", 2, false, 0},
	{"failed release", 1, true, 1},
};

static int fails_in; /* the n-th from now; 0: none */
static int fails_with;

static int tag_failing(void *addr, size_t len, int prot, int key)
{
	if (fails_in > 0 && --fails_in == 0)
		return fails_with;
	return prim_mpk.tag(addr, len, prot, key);
}

/* All keys are out; then one tag fails. */
static void fail(struct box *b, const struct failure *f, int with)
{
	many_make(b, PRIM_KEYS);
	for (unsigned i = 0; i + 1 < PRIM_KEYS; i++)
		many_serve(b, i, 0);
	b->prim.tag = tag_failing;
	fails_in = f->nth;
	fails_with = with;
	if (f->release)
		(void)many_release(b, &many[PRIM_KEYS - 2]);
	else
		many_serve(b, PRIM_KEYS - 1, 0);
	b->report->number[MANY_OTHER] = b->mux.killed;
	many_compare(b);
}

static void session_failure(struct box *b, const void *arg)
{
	fail(b, arg, -EPERM);
	b->report->number[MANY_WRONG] = 0;
	b->report->number[MANY_DEAD] = 0;
	/* All who are left, and the newcomer if it lives, as before. */
	for (unsigned i = 0; i + 1 < PRIM_KEYS; i++)
		many_serve(b, i, 1);
	many_compare(b);
}

static void session_unnoticed(struct box *b, const void *arg)
{
	fail(b, arg, 0);
}

static void try_failure(const struct failure *f)
{
	const struct box_report *r = box_run(NULL, session_failure, f);

	if (!attack_held(r->status == 0 && r->number[MANY_OTHER] == 1,
		    "%s: that one is killed", f->name))
		box_say(f->name, r);
	if (!attack_held(r->number[MANY_DEAD] == f->dead &&
				 r->number[MANY_WRONG] == 0,
		    "%s: all others go on", f->name))
		box_say(f->name, r);
	if (!attack_held(
		    r->number[MANY_AGREE] == 2 && r->number[MANY_DIFFER] == 0,
		    "%s: every page has its domain's key", f->name))
		box_say(f->name, r);
	r = box_run(NULL, session_unnoticed, f);
	/* Its pages keep a foreign key, or the worker dies of its own copy. */
	if (!attack_worked(r->number[MANY_OTHER] == 0 &&
				   (r->number[MANY_DIFFER] == 1 || r->fatal),
		    "%s, unnoticed: wrong keys stay", f->name))
		box_say(f->name, r);
}

static void run(void)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++)
		try_failure(&failures[i]);
}

const struct attack attack_k23 = {
	.id = "K23",
	.name = "retags that fail: evict, bind, release",
	.layer = "key multiplexer",
	.off = "the look at the retag's result",
	.run = run,
};
