#pragma once
/*
 * Quiescent-state-based reclamation: readers look at shared structures without
 * any lock; the one writer unlinks a piece, retires it, and it is freed when
 * every reader has said since then that it holds no references.
 *
 * Readers are workers: qsbr_quiescent() once per turn of their loop, offline
 * around sleep. A pointer read from a shared structure is good until the
 * reader's next qsbr_quiescent() or qsbr_offline(). The writer is the control
 * thread; all functions on struct qsbr but qsbr_register() are its own.
 */
#include <stdatomic.h>
#include <stdint.h>

struct qsbr_node;
typedef void qsbr_free_fn(struct qsbr_node *node);

/* Embedded in what is retired; retiring allocates nothing. */
struct qsbr_node {
	struct qsbr_node *next;
	uint64_t epoch;
	qsbr_free_fn *free;
};

struct qsbr_reader {
	/* The last epoch this reader saw; 0: offline, holds nothing. */
	_Alignas(64) _Atomic uint64_t seen;
	const _Atomic uint64_t *epoch;
	struct qsbr_reader *next;
};

struct qsbr {
	_Alignas(64) _Atomic uint64_t epoch;
	_Atomic(struct qsbr_reader *) readers;
	struct qsbr_node *first; /* retired, oldest first */
	struct qsbr_node **last;
};

void qsbr_init(struct qsbr *q);
/* Frees all that is retired. No reader may be online. */
void qsbr_fini(struct qsbr *q);

/* Any thread. The reader starts offline; its memory stays until qsbr_fini().
 * A reader that goes away does so by staying offline. */
void qsbr_register(struct qsbr *q, struct qsbr_reader *r);

/* The piece is out of every structure by now; calls free(node) later. */
void qsbr_retire(struct qsbr *q, struct qsbr_node *node, qsbr_free_fn *free);
/* Frees what no reader can hold any more. Returns how many wait still. */
unsigned long qsbr_poll(struct qsbr *q);

static inline void qsbr_quiescent(struct qsbr_reader *r)
{
	/* Acquire: whoever sees the epoch sees what was unlinked before it.
	 * Release: the reads so far are over. */
	atomic_store_explicit(&r->seen,
		atomic_load_explicit(r->epoch, memory_order_acquire),
		memory_order_release);
}

static inline void qsbr_offline(struct qsbr_reader *r)
{
	atomic_store_explicit(&r->seen, 0, memory_order_release);
}

static inline void qsbr_online(struct qsbr_reader *r)
{
	/* A full barrier, or the writer could find this reader offline after
	 * its first read. */
	atomic_store(&r->seen, atomic_load(r->epoch));
	atomic_thread_fence(memory_order_seq_cst);
}
