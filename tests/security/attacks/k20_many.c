/*
 * Forty isolates take turns on the keys there are: each must run as itself, and
 * after each round the kernel must name, for every page of the process, the key
 * that the table of domains says. Control: a tag that only says it did.
 */
#include "tests/security/attack.h"
#include "tests/security/many.h"

enum {
	ROUNDS = 3
};

static void session_many(struct box *b, const void *arg)
{
	(void)arg;
	many_make(b, MANY);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < MANY; i++)
			many_serve(b, i, round);
		many_compare(b);
	}
	b->report->number[MANY_OTHER] = b->mux.evictions;
}

static void session_lying(struct box *b, const void *arg)
{
	(void)arg;
	many_make(b, 2);
	b->prim.tag = many_tag_lying;
	(void)many_bind(b, &many[0]);
	many_compare(b);
}

static void run(void)
{
	const struct box_report *r = box_run(NULL, session_many, NULL);

	if (!attack_held(r->status == 0 &&
				 r->number[MANY_SERVED] == MANY * ROUNDS &&
				 r->number[MANY_WRONG] == 0 &&
				 r->number[MANY_DEAD] == 0,
		    "%d isolates served in turn, each as itself", MANY))
		box_say("many", r);
	attack_held(r->number[MANY_OTHER] >= MANY * ROUNDS - PRIM_KEYS,
		"keys changed hands %lu times", r->number[MANY_OTHER]);
	if (!attack_held(r->number[MANY_AGREE] == ROUNDS &&
				 r->number[MANY_DIFFER] == 0,
		    "every page has its domain's key"))
		box_say("smaps", r);
	r = box_run(NULL, session_lying, NULL);
	if (!attack_worked(r->number[MANY_DIFFER] == 1,
		    "a tag that is not done leaves a page with a foreign key"))
		box_say("lying", r);
}

const struct attack attack_k20 = {
	.id = "K20",
	.name = "forty isolates on the keys there are: the wrong key",
	.layer = "key multiplexer",
	.off = "the retag",
	.run = run,
};
