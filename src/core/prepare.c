/*
 * Which isolates want contexts, and one context at a time for them. The last
 * that was in use comes first: its next call is the nearest.
 *
 * No key is moved for this, and no isolate waits for it: one that is in use or
 * has lost its key is forgotten until its next call, which will be noted.
 */
#include "core/prepare.h"

#include "core/worker_core.h"

void prepare_note(struct worker *w, struct isolate *iso)
{
	struct prepare *p = &w->core->prepare;
	unsigned at = (p->first + p->n) % PREPARE_MAX;

	p->queue[at].iso = iso;
	p->queue[at].id = iso->id;
	if (p->n < PREPARE_MAX)
		p->n++;
	else
		p->first = (p->first + 1) % PREPARE_MAX;
}

static void prepare_done(struct invocation *inv)
{
	/* What went wrong has been logged, and its isolate is gone. */
	bufpool_put(&inv->worker->pool, inv->reply);
}

void prepare_one(struct worker *w)
{
	struct prepare *p = &w->core->prepare;
	struct isolate *iso;
	unsigned at;

	if (p->n == 0)
		return;
	p->n--;
	at = (p->first + p->n) % PREPARE_MAX;
	iso = p->queue[at].iso;
	if (iso->state != ISOLATE_IDLE || iso->id != p->queue[at].id ||
		iso->contexts_ready >= iso->fn->opt.contexts)
		return;
	p->inv = (struct invocation){
		.fn = iso->fn,
		.load_only = true,
		.prepare = iso->contexts_ready + 1,
		.done = prepare_done,
	};
	invoke_context(w, iso, &p->inv);
}
