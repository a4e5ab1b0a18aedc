#pragma once
/*
 * One client connection: a state machine that runs on its worker.
 *
 *     reading -> running -> sending -> reading ...
 *                              \-> lingering -> closed
 *
 * One request at a time: bytes that follow it (pipelining) stay in the buffer,
 * and nothing is received while a handler runs, which is what slows a client
 * down that sends faster than it is served.
 *
 * Everything that comes in is hostile bytes. No malloc: connections come from
 * the hub's array, buffers from the worker's pool.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "net/exchange.h"
#include "net/http.h"
#include "net/hub.h"
#include "net/ring.h"

enum conn_state {
	CONN_READING,	/* waits for (the rest of) a request */
	CONN_RUNNING,	/* a handler has the exchange */
	CONN_SENDING,	/* the reply is on its way */
	CONN_LINGERING, /* all said; what still comes in is thrown away, so that
			 * the client reads the reply before the reset */
	CONN_CLOSED,	/* waits for the kernel's last completion */
};

struct conn {
	struct hub *hub;
	struct conn *next_free;
	int fd;
	enum conn_state state;
	struct ring_op recv_op;
	struct ring_op send_op;
	struct ring_op shut_op;
	bool recv_armed, send_armed, shut_armed;
	bool admin;	   /* of the listener it came from */
	bool fresh;	   /* has not sent a byte yet */
	bool eof;	   /* the client has sent all it will */
	bool close_after;  /* this reply is the last */
	bool linger;	   /* the request was not read to its end */
	bool routed;	   /* the head was looked at already */
	struct list timer; /* hub->timer[] */
	uint64_t deadline;
	struct list queue; /* hub->queued or hub->sent */

	/* in.ptr[in_pos, in_len) is received and not yet answered. */
	struct bufpool_block in;
	size_t in_pos, in_len;
	size_t lingered;
	uint64_t begin_ns; /* first byte of the request; 0: none yet */

	struct bufpool_block out;
	const char *out_ptr;
	size_t out_left;

	struct http_request req;
	struct exchange x;
};

/* A new client. False: the hub is full, fd is not taken. */
bool conn_open(struct hub *hub, int fd, bool admin);

/* The reply's send has been taken whole by the kernel. */
void conn_sent(struct conn *c);
/* Continue with the request that is in the buffer. */
void conn_advance(struct conn *c);
/* c->deadline has passed. */
void conn_timed_out(struct conn *c, enum hub_timer kind);
/* The daemon drains: say goodbye to a connection between requests. */
void conn_drain(struct conn *c);

/* conn_out.c: x's reply is complete; put the header in front and send. */
void conn_reply(struct exchange *x);
/* conn_out.c: the first attempt of a send failed or was cut short. */
void conn_send_complete(struct ring_op *op, int res, unsigned flags);

/* For conn_out.c. */
void conn_timer(struct conn *c, enum hub_timer kind);
void conn_timer_stop(struct conn *c);
void conn_receive(struct conn *c);
/* The buffer is empty: wait for the next request. */
void conn_receive_next(struct conn *c);
void conn_close(struct conn *c);
