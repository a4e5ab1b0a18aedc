/*
 * The line for keys: see keyline.h. Trusted side, on the worker; lists and
 * numbers only, so that bench/mux plays with the very same code.
 *
 * A function stands in `turns` when calls of it wait and no isolate is on its
 * way that they could run on.
 */
#include "core/keyline.h"

#include "base/check.h"

/* Each worker has the isolate that it runs pinned as well. What all of them ask
 * for should leave some keys to those that are called often. */
unsigned keyline_most(unsigned keys, unsigned workers)
{
	unsigned each = keys / (2 * workers);

	if (each > KEYLINE_MOST)
		return KEYLINE_MOST;
	return each ? each : 1;
}

void keyline_init(struct keyline *l, unsigned most)
{
	*l = (struct keyline){.most = most};
	list_init(&l->turns);
	list_init(&l->ages);
}

void keyline_fn_init(struct keyline_fn *f)
{
	list_init(&f->calls);
	list_init(&f->turn);
	f->out = 0;
}

void keyline_call_init(struct keyline_call *c)
{
	list_init(&c->link);
	list_init(&c->age);
}

bool keyline_full(const struct keyline *l)
{
	return l->most > 0 && l->out >= l->most;
}

bool keyline_may_ask(
	const struct keyline *l, const struct keyline_fn *f, bool shares)
{
	if (l->most == 0)
		return true;
	return l->out < l->most && list_empty(&l->turns) &&
	       list_empty(&f->calls) && !(shares && f->out > 0);
}

void keyline_out(struct keyline *l, struct keyline_fn *f, bool shares)
{
	l->out++;
	f->out += shares;
	if (f->out > 0)
		list_remove(&f->turn);
}

void keyline_back(struct keyline *l, struct keyline_fn *f, bool shares)
{
	CHECK(l->out > 0 && f->out >= (unsigned)shares);
	l->out--;
	f->out -= shares;
}

static bool has_place(struct keyline_fn *f)
{
	return f->out == 0 && !list_empty(&f->calls) && list_empty(&f->turn);
}

static uint64_t since(struct list *at)
{
	return container_of(at, struct keyline_call, age)->since;
}

/* From the end: few have waited elsewhere before they came here. */
static void keyline_age(struct keyline *l, struct keyline_call *c)
{
	struct list *at = l->ages.prev;

	while (at != &l->ages && since(at) > c->since)
		at = at->prev;
	list_insert(at, &c->age);
}

void keyline_wait(struct keyline *l, struct keyline_fn *f,
	struct keyline_call *c, bool first)
{
	if (first)
		list_push_front(&f->calls, &c->link);
	else
		list_push_back(&f->calls, &c->link);
	keyline_age(l, c);
	l->n++;
	if (!has_place(f))
		return;
	if (first)
		list_push_front(&l->turns, &f->turn);
	else
		list_push_back(&l->turns, &f->turn);
}

void keyline_leave(
	struct keyline *l, struct keyline_fn *f, struct keyline_call *c)
{
	CHECK(l->n > 0);
	l->n--;
	list_remove(&c->link);
	list_remove(&c->age);
	if (list_empty(&f->calls))
		list_remove(&f->turn);
}

struct keyline_call *keyline_first(struct keyline_fn *f)
{
	struct list *at = list_first(&f->calls);

	return at ? container_of(at, struct keyline_call, link) : NULL;
}

struct keyline_call *keyline_oldest(struct keyline *l)
{
	struct list *at = list_first(&l->ages);

	return at ? container_of(at, struct keyline_call, age) : NULL;
}

struct keyline_fn *keyline_turn(struct keyline *l)
{
	struct list *at = keyline_full(l) ? NULL : list_first(&l->turns);

	if (!at)
		return NULL;
	list_remove(at);
	return container_of(at, struct keyline_fn, turn);
}

void keyline_rejoin(struct keyline *l, struct keyline_fn *f)
{
	if (has_place(f))
		list_push_back(&l->turns, &f->turn);
}
