#pragma once
/*
 * Messages from many threads to one, intrusive and without locks.
 *
 * Any thread pushes, one thread takes. Takes nothing on trust but its callers:
 * trusted memory only. A message belongs to the inbox from push until its run()
 * is called; the caller owns its memory before and after.
 *
 * Pushes form a stack that the consumer takes as a whole and turns round; that
 * needs no ABA protection, since nobody ever pops a single message.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct msg;
typedef void msg_fn(struct msg *msg);

struct msg {
	struct msg *next;
	msg_fn *run;
};

struct inbox {
	_Alignas(64) _Atomic(struct msg *) head;
};

static inline void inbox_init(struct inbox *in)
{
	atomic_init(&in->head, NULL);
}

/*
 * True if the inbox was empty: the consumer may be asleep and must be woken.
 * Sequentially consistent, so that "push, then read the consumer's sleeping
 * flag" on one side and "set the flag, then inbox_empty()" on the other can't
 * miss each other.
 */
static inline bool inbox_push(struct inbox *in, struct msg *msg)
{
	struct msg *head =
		atomic_load_explicit(&in->head, memory_order_relaxed);

	do {
		msg->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&in->head, &head, msg,
		memory_order_seq_cst, memory_order_relaxed));
	return head == NULL;
}

static inline bool inbox_empty(struct inbox *in)
{
	return atomic_load(&in->head) == NULL;
}

/* Everything pushed so far, oldest first, chained by next; NULL: nothing. */
static inline struct msg *inbox_take(struct inbox *in)
{
	struct msg *stack, *fifo = NULL;

	if (atomic_load_explicit(&in->head, memory_order_relaxed) == NULL)
		return NULL;
	stack = atomic_exchange_explicit(&in->head, NULL, memory_order_acq_rel);
	while (stack) {
		struct msg *next = stack->next;

		stack->next = fifo;
		fifo = stack;
		stack = next;
	}
	return fifo;
}

/* Runs a chain from inbox_take(); a message may free itself in run(). Returns
 * how many ran. */
static inline size_t msg_run_all(struct msg *chain)
{
	size_t n = 0;

	while (chain) {
		struct msg *msg = chain;

		chain = msg->next;
		msg->run(msg);
		n++;
	}
	return n;
}
