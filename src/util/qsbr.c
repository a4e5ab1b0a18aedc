/*
 * The writer's half: each retirement opens a new epoch; a node may go when the
 * oldest epoch that an online reader announced is not before it. Epochs start
 * at 1 and, at one a nanosecond, last 584 years.
 */
#include "util/qsbr.h"

#include <stddef.h>

#include "base/check.h"

void qsbr_init(struct qsbr *q)
{
	atomic_init(&q->epoch, 1);
	atomic_init(&q->readers, NULL);
	q->first = NULL;
	q->last = &q->first;
}

void qsbr_fini(struct qsbr *q)
{
	CHECK(qsbr_poll(q) == 0);
}

void qsbr_register(struct qsbr *q, struct qsbr_reader *r)
{
	atomic_init(&r->seen, 0);
	r->epoch = &q->epoch;
	r->next = atomic_load_explicit(&q->readers, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&q->readers, &r->next, r))
		;
}

void qsbr_retire(struct qsbr *q, struct qsbr_node *node, qsbr_free_fn *free)
{
	node->next = NULL;
	node->free = free;
	node->epoch = atomic_fetch_add(&q->epoch, 1) + 1;
	*q->last = node;
	q->last = &node->next;
}

static uint64_t oldest_seen(struct qsbr *q)
{
	uint64_t oldest = UINT64_MAX;

	/* Pairs with qsbr_online(): a reader not seen here sees the unlink. */
	atomic_thread_fence(memory_order_seq_cst);
	for (struct qsbr_reader *r = atomic_load(&q->readers); r; r = r->next) {
		uint64_t seen = atomic_load(&r->seen);

		if (seen && seen < oldest)
			oldest = seen;
	}
	return oldest;
}

unsigned long qsbr_poll(struct qsbr *q)
{
	uint64_t oldest;
	unsigned long left = 0;

	if (!q->first)
		return 0;
	oldest = oldest_seen(q);
	while (q->first && q->first->epoch <= oldest) {
		struct qsbr_node *node = q->first;

		q->first = node->next;
		if (!q->first)
			q->last = &q->first;
		node->free(node);
	}
	for (struct qsbr_node *n = q->first; n; n = n->next)
		left++;
	return left;
}
