/*
 * See slots.h. Trusted side.
 *
 * Taken from the raw list, newest first, else made in the block that is being
 * filled, else in a blank one, else beyond all that were ever used. So a burst
 * leaves blocks behind that nobody comes to, and they are given back. The first
 * never is: a daemon with little to do stays with it.
 */
#include "core/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/keeper.h"
#include "core/worker_core.h"

int slots_init(struct slots *s, struct isolate *isolates)
{
	size_t n = (s->count + SLOTS_BLOCK - 1) / SLOTS_BLOCK;

	s->isolates = isolates;
	s->used = s->n_idle = 0;
	s->fill = s->away = NULL;
	list_init(&s->raw);
	list_init(&s->blank);
	s->blocks = calloc(n + 1, sizeof(*s->blocks));
	return s->blocks ? 0 : -ENOMEM;
}

void slots_fini(struct slots *s)
{
	free(s->blocks);
	s->blocks = NULL;
}

static struct slots_block *slots_block(
	const struct slots *s, const struct isolate *iso)
{
	return &s->blocks[(size_t)(iso - s->isolates) / SLOTS_BLOCK];
}

static bool slots_is_idle(const struct slots *s, const struct slots_block *b)
{
	return b != s->blocks && b->made == SLOTS_BLOCK && b->busy == 0;
}

/* Where the next of a block is made. */
static size_t slots_next(const struct slots *s, const struct slots_block *b)
{
	return (size_t)(b - s->blocks) * SLOTS_BLOCK + b->made;
}

static bool slots_room(const struct slots *s, const struct slots_block *b)
{
	return b && b->made < SLOTS_BLOCK && slots_next(s, b) < s->count;
}

/* The block that the next is made in; NULL: none has room. */
static struct slots_block *slots_fill(struct slots *s)
{
	struct list *l = list_first(&s->blank);

	if (slots_room(s, s->fill))
		return s->fill;
	s->fill = NULL;
	if (l) {
		list_remove(l);
		s->fill = container_of(l, struct slots_block, blank);
	} else if (s->used < s->count) {
		s->fill = &s->blocks[s->used / SLOTS_BLOCK];
	}
	return s->fill;
}

static struct isolate *slots_make(struct slots *s)
{
	struct slots_block *b = slots_fill(s);
	struct isolate *iso;
	size_t at;

	if (!b)
		return NULL;
	at = slots_next(s, b);
	iso = &s->isolates[at];
	iso->magic = ISOLATE_MAGIC;
	iso->worker = s->worker;
	iso->class = s->class;
	iso->base = arena_slot(s->arena, s->class, s->first + at);
	list_init(&iso->link);
	b->made++;
	b->busy++;
	if (at == s->used)
		__atomic_store_n(&s->used, at + 1, __ATOMIC_RELEASE);
	return iso;
}

/* Most slots are never needed: what describes them is not touched before. */
struct isolate *slots_take(struct slots *s)
{
	struct list *l = list_first(&s->raw);
	struct isolate *iso;
	struct slots_block *b;

	if (!l)
		return slots_make(s);
	list_remove(l);
	iso = container_of(l, struct isolate, link);
	b = slots_block(s, iso);
	s->n_idle -= slots_is_idle(s, b);
	b->busy++;
	return iso;
}

bool slots_left(const struct slots *s)
{
	return !list_empty(&s->raw) || !list_empty(&s->blank) ||
	       s->used < s->count || slots_room(s, s->fill);
}

void slots_put(struct slots *s, struct isolate *iso)
{
	struct slots_block *b = slots_block(s, iso);

	iso->state = ISOLATE_RAW;
	list_push_front(&s->raw, &iso->link);
	CHECK(b->busy > 0);
	b->busy--;
	if (!slots_is_idle(s, b))
		return;
	b->since = s->worker->now;
	s->n_idle++;
}

/* Giving back. ------------------------------------------------------------- */

static struct isolate *slots_first(struct slots *s)
{
	return &s->isolates[(size_t)(s->away - s->blocks) * SLOTS_BLOCK];
}

static void slots_returned(struct msg *msg)
{
	struct slots *s = container_of(msg, struct slots, msg);
	struct slots_block *b = s->away;

	s->away = NULL;
	s->worker->core->pool.n_out--;
	/* Else it is unclear what is there, and the slots stay out of use. */
	if (s->result == 0) {
		b->made = b->busy = 0;
		list_push_front(&s->blank, &b->blank);
	}
	invoke_waiting(s->worker);
}

static void slots_errand(struct msg *msg)
{
	struct slots *s = container_of(msg, struct slots, msg);

	s->result = keeper_blank(slots_first(s), SLOTS_BLOCK);
	msg->run = slots_returned;
	worker_post(s->worker, msg);
}

static void slots_send(struct slots *s, struct slots_block *b)
{
	s->n_idle--;
	s->away = b;
	b->busy = SLOTS_BLOCK;
	/* It was filled last; blank, it is one of the others. */
	if (s->fill == b)
		s->fill = NULL;
	for (size_t i = 0; i < SLOTS_BLOCK; i++)
		list_remove(&slots_first(s)[i].link);
	/* A call that finds nothing else waits for them. */
	s->worker->core->pool.n_out++;
	s->msg.run = slots_errand;
	keeper_post(s->worker->rt->keeper, &s->msg);
}

uint64_t slots_give_back(struct slots *s, uint64_t now)
{
	struct slots_block *best = NULL;

	if (s->n_idle == 0 || s->away)
		return UINT64_MAX;
	for (size_t i = 0; i < s->used / SLOTS_BLOCK; i++) {
		struct slots_block *b = &s->blocks[i];

		if (slots_is_idle(s, b) && (!best || b->since < best->since))
			best = b;
	}
	CHECK(best);
	if (now < best->since + SLOTS_KEPT_NS)
		return best->since + SLOTS_KEPT_NS;
	slots_send(s, best);
	return UINT64_MAX;
}
