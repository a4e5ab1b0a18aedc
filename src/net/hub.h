#pragma once
/*
 * One worker's part of the server: its ring, its connections, their timers.
 * Used by that worker alone, but for the counters.
 *
 * A turn of the loop: completions -> connections whose reply went out ->
 * worker_poll() -> timers -> one ring_enter() that submits everything the turn
 * has queued and waits for more.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "base/list.h"
#include "core/outcome.h"
#include "net/http_reply.h"
#include "net/ring.h"
#include "net/server.h"

struct conn;

/* Kinds of timeout: all of a kind are equally long, so that a list in the order
 * of arrival is in the order of deadlines. */
enum hub_timer {
	HUB_TIMER_HEADER,
	HUB_TIMER_BODY,
	HUB_TIMER_IDLE,
	HUB_TIMER_SEND,
	HUB_TIMER_LINGER,
	HUB_TIMERS,
};

struct hub_accept {
	struct ring_op op;
	struct hub *hub;
	struct listener listener;
	bool armed;
	uint64_t retry_at; /* 0: not backing off */
};

struct hub {
	struct ring ring;
	struct worker *worker;
	struct server *server;

	struct conn *conns; /* max_conns, touched as needed */
	size_t conns_bytes;
	unsigned max_conns;
	unsigned fresh; /* conns[fresh..] were never used */
	struct conn *free;
	_Atomic unsigned n_conns;

	struct list queued; /* a reply's send waits for the next enter */
	struct list sent;   /* and has been entered */
	/* There are replies that the kernel has not been given; of this
	 * function alone, NULL: of several, or of none. */
	bool unflushed;
	const struct function *reply_of;
	uint64_t flushed_ns;
	uint64_t turn_ns;	   /* when this turn of the loop began */
	_Atomic unsigned n_coming; /* connections on their way here */
	bool eager; /* something is to be done once the sends are settled */
	struct http_date date;
	uint64_t date_next; /* when it is out of date */
	struct list timer[HUB_TIMERS];
	uint64_t timer_ns[HUB_TIMERS];

	struct hub_accept accept[SERVER_LISTENERS_MAX];
	unsigned n_accept;
	struct ring_op wake;
	uint64_t wake_value;
	/* By outcome and start (warm, cold); written here, read by control. */
	_Atomic uint64_t invocations[OUTCOME_COUNT][2];
	bool wake_armed;
	unsigned drain_turns; /* since the daemon was told to end */
	bool draining;	      /* takes nothing new */
};

/* Moves all of `from` behind `to`'s last; `from` is left empty. */
static inline void hub_list_move(struct list *from, struct list *to)
{
	list_for_each(it, from)
	{
		list_remove(it);
		list_push_back(to, it);
	}
}

/* Counters have one writer, so no locked instruction is needed. */
static inline void hub_count(_Atomic uint64_t *counter)
{
	atomic_store_explicit(counter,
		atomic_load_explicit(counter, memory_order_relaxed) + 1,
		memory_order_relaxed);
}

/* hub.c: setup makes system calls and may malloc. */
int hub_new(struct server *s, struct worker *w, struct hub **ret_hub);
struct hub *hub_free(struct hub *hub);
void hub_loop(struct hub *hub);
/* Worker: a connection that was accepted for it. */
void hub_take(struct hub *hub, int fd, bool admin);
/* Worker: c's reply, which fn made (NULL: none did), has been prepared. */
void hub_replied(struct hub *hub, struct conn *c, const struct function *fn);
/* Worker: a run of fn begins. */
void hub_before_run(struct hub *hub, const struct function *fn);
