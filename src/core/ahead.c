/*
 * Calls ahead of their turn. Trusted side, on a worker.
 *
 * A call finds its function, which names an isolate, whose memory is elsewhere:
 * what one of them says has to be there before the next can be asked for. So
 * each waits for one run to pass: AHEAD_MOST calls are under way, one at each
 * step. Nothing here is a promise. The isolate may be another one in the end,
 * and a prefetch of what may not be read is no fault, it comes to nothing.
 */
#include "core/ahead.h"

#include "core/isolate.h"
#include "core/worker_core.h"
#include "util/near.h"

enum {
	AHEAD_MOST = 4, /* bench/scale: three are slower, eight no faster */
};

void ahead_init(struct ahead *a)
{
	list_init(&a->line);
	a->n = 0;
}

static void ahead_function(const struct worker *w, const struct function *fn)
{
	near_bring(&fn->opt.memory_bytes,
		sizeof(fn->opt) -
			offsetof(struct function_options, memory_bytes));
	near_bring(&fn->program, sizeof(fn->program) + sizeof(fn->stats));
	near_bring(&fn->retired, sizeof(fn->retired));
	near_bring(&fn->local[w->id], sizeof(fn->local[w->id]));
}

/* The isolate that a call in line would get now; NULL: there is none. */
static const struct isolate *ahead_isolate(
	const struct worker *w, const struct list *call)
{
	const struct function *fn;
	const struct list *idle;

	if (call == &w->core->ahead.line)
		return NULL;
	fn = container_of(call, struct invocation, link)->fn;
	idle = &fn->local[w->id].idle;
	return list_empty(idle)
		       ? NULL
		       : container_of(idle->next, struct isolate, link);
}

static void ahead_run_first(struct worker *w)
{
	struct ahead *a = &w->core->ahead;
	struct list *first = a->line.next;
	const struct isolate *second = ahead_isolate(w, first->next);
	const struct isolate *third =
		second ? ahead_isolate(w, first->next->next) : NULL;

	if (second)
		isolate_bring(second);
	if (third)
		near_bring(third, sizeof(*third));
	list_remove(first);
	a->n--;
	(void)invoke_go(w, container_of(first, struct invocation, link));
}

void ahead_add(struct worker *w, struct invocation *inv)
{
	struct ahead *a = &w->core->ahead;

	list_push_back(&a->line, &inv->link);
	a->n++;
	ahead_function(w, inv->fn);
	if (a->n == AHEAD_MOST)
		ahead_run_first(w);
}

void ahead_run(struct worker *w)
{
	while (w->core->ahead.n)
		ahead_run_first(w);
}
