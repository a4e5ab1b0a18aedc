/*
 * An isolate that lost its key is continued as if it still had it: by then the
 * key is another's. Its own memory, where it would go on, is parked, so it
 * faults. With pages that were not parked it reads the key's new owner.
 */
#include <signal.h>

#include "tests/security/attack.h"
#include "tests/security/many.h"

enum {
	KEY_PARKED = 2,
	PINNED = 2, /* keys that the box's own isolates hold */
};

static bool died_of_parking(const struct box_end *e)
{
	return e->how == GATE_ABORTED && e->fault.signal == SIGSEGV &&
	       e->fault.code == SEGV_PKUERR && e->fault.key == KEY_PARKED &&
	       e->alive;
}

/* Enters isolate 0 with a key that it does not hold. */
static void enter_stale(struct box *b, int stale)
{
	struct box_end *end = &b->report->end[b->report->n_ends++];
	struct box_after after;

	gate_target(b->thread, many[0].ctl, many[0].fs, stale);
	end->how = box_enter_asm(b->gate.enter, &after);
	end->pkru = box_pkru();
	end->fault = b->thread->fault;
	if (end->how == GATE_LEFT) {
		struct gate_ctl ctl;

		gate_copy_out(&b->gate, stale, &ctl, (void *)many[0].ctl,
			sizeof(ctl));
		end->leaked = ctl.nr == BOX_GOT && ctl.args[0] == b->canary;
	}
	box_check(b, end);
}

static void session_stale(struct box *b, const void *arg)
{
	int stale;

	(void)arg;
	many_make(b, PRIM_KEYS);
	many_serve(b, 0, 0);
	stale = domain_key(&many[0].domain);
	for (unsigned i = 1; i < PRIM_KEYS; i++)
		many_serve(b, i, 0);
	b->report->number[MANY_OTHER] = domain_key(&many[0].domain) == -1;
	enter_stale(b, stale);
	/* With the key it gets now it goes on where it was. */
	many_serve(b, 0, 1);
	for (unsigned i = 1; i < PRIM_KEYS; i++)
		many_serve(b, i, 1);
}

/* U: reads on its second entry, which it gets with the old rights. */
static void thief_in(struct box_attack *a)
{
	(void)gate_hostcall(BOX_DONE, 0, 0, 0, 0);
	box_got(*(volatile uint64_t *)a->n[0]);
}

/* Isolate 0's key goes to the one isolate that is served after all keys are
 * out. */
static void session_thief(struct box *b, const void *arg)
{
	unsigned last = b->keys.n_isolate - PINNED;
	struct box_attack a = {0};
	struct box_end end;
	int stale;

	many_make(b, last + 1);
	a.n[0] = (uint64_t)many[last].mem + BOX_SECRET_AT;
	(void)many_bind(b, &many[0]);
	stale = domain_key(&many[0].domain);
	box_prepare(b, &many[0], thief_in, &a);
	box_enter(b, &many[0], &end);
	(void)domain_unpin(&b->mux, &many[0].domain, 0);
	if (arg)
		b->prim.tag = many_tag_lends_only;
	for (unsigned i = 1; i <= last; i++)
		many_serve(b, i, 0);
	b->report->number[MANY_OTHER] = domain_key(&many[last].domain) == stale;
	gate_copy_in(
		&b->gate, stale, (void *)a.n[0], &b->canary, sizeof(b->canary));
	enter_stale(b, stale);
}

static void run(void)
{
	const struct box_report *r = box_run(NULL, session_stale, NULL);

	if (!attack_held(
		    r->number[MANY_OTHER] == 1 && died_of_parking(&r->end[0]),
		    "an evicted isolate with its old rights"))
		box_say("stale", r);
	if (!attack_held(r->status == 0 && r->number[MANY_WRONG] == 0 &&
				 r->number[MANY_DEAD] == 0,
		    "afterwards it and all others go on"))
		box_say("stale", r);
	r = box_run(NULL, session_thief, NULL);
	if (!attack_held(r->number[MANY_OTHER] == 1 &&
				 died_of_parking(&r->end[0]) &&
				 !r->end[0].leaked,
		    "it reads who has the key now"))
		box_say("thief", r);
	r = box_run(NULL, session_thief, "evict without parking");
	if (!attack_worked(r->number[MANY_OTHER] == 1 && r->end[0].leaked,
		    "unparked, it reads who has the key now"))
		box_say("thief", r);
}

const struct attack attack_k21 = {
	.id = "K21",
	.name = "an evicted isolate goes on with its old rights",
	.layer = "key multiplexer",
	.off = "the parking of what loses its key",
	.run = run,
};
