/*
 * The way out of a connection: header in front of the reply's bytes, one send
 * (worker, trusted side; the reply's bytes may be a function's).
 *
 * The first attempt is carried out by the kernel while it takes the entry over
 * (MSG_DONTWAIT) and completes silently if all went out, see hub.c. Only what
 * the socket did not take at once is sent by entries that wait, piece by piece,
 * so that each piece taken is a sign of life of the client.
 */
#include <string.h>

#include "base/check.h"
#include "core/worker.h"
#include "net/conn.h"
#include "net/http_reply.h"
#include "util/clock.h"
#include "util/metrics.h"

static bool stays_open(struct conn *c)
{
	if (c->eof || c->linger || worker_draining(c->hub->worker))
		return false;
	return c->routed && c->req.keep_alive;
}

/* The next request may be received while this reply goes out. */
static void receive_ahead(struct conn *c)
{
	if (c->close_after || c->in_pos < c->in_len) {
		/* Nothing will complete to wake the loop for what comes
		 * next. */
		c->hub->eager = true;
		return;
	}
	conn_receive_next(c);
}

static void send_first(struct conn *c)
{
	struct io_uring_sqe *sqe = ring_sqe(&c->hub->ring);

	c->state = CONN_SENDING;
	io_uring_prep_send(sqe, c->fd, c->out_ptr, c->out_left,
		MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ring_sqe_op(sqe, &c->send_op);
	hub_replied(c->hub, c, c->x.ran);
	receive_ahead(c);
}

static void send_rest(struct conn *c)
{
	struct io_uring_sqe *sqe = ring_sqe(&c->hub->ring);

	io_uring_prep_send(sqe, c->fd, c->out_ptr, c->out_left, MSG_NOSIGNAL);
	ring_sqe_op(sqe, &c->send_op);
	c->send_armed = true;
	conn_timer(c, HUB_TIMER_SEND);
}

void conn_send_complete(struct ring_op *op, int res, unsigned flags)
{
	struct conn *c = container_of(op, struct conn, send_op);

	(void)flags;
	c->send_armed = false;
	list_remove(&c->queue);
	if (c->state == CONN_CLOSED) {
		conn_close(c);
		return;
	}
	if (res < 0 && res != -EAGAIN && res != -EINTR && res != -EFAULT) {
		conn_close(c);
		return;
	}
	if (res > 0) {
		CHECK((size_t)res <= c->out_left);
		c->out_ptr += res;
		c->out_left -= (size_t)res;
	}
	if (c->out_left > 0)
		send_rest(c);
	else
		conn_sent(c);
}

static void count(struct conn *c, int status, size_t bytes)
{
	struct metrics_block *m = c->hub->worker->metrics;

	metrics_inc(m, METRIC_HTTP_REQUESTS, (unsigned)status / 100 - 1);
	metrics_add(m, METRIC_HTTP_BYTES, METRIC_DIRECTION_OUT, (int64_t)bytes);
	if (c->begin_ns)
		metrics_observe(m, METRIC_HTTP_REQUEST_SECONDS, 0,
			c->hub->worker->now - c->begin_ns);
}

void conn_reply(struct exchange *x)
{
	struct conn *c = container_of(x, struct conn, x);
	char mem[INVOKE_HEADROOM];
	struct buf head;
	bool head_only = c->routed && c->req.method == HTTP_METHOD_HEAD;

	CHECK(c->state == CONN_RUNNING);
	exchange_end(x);
	if (!x->reply.ptr) {
		/* Not even memory to say so. */
		conn_close(c);
		return;
	}
	c->close_after = !stays_open(c);
	buf_init(&head, mem, sizeof(mem));
	http_reply_begin(&head,
		&(struct http_reply){
			.status = x->status,
			.framing = x->status == 204 ? HTTP_FRAMING_NONE
						    : HTTP_FRAMING_LENGTH,
			.media_type = x->reply_len ? x->media_type : NULL,
			.body_len = x->reply_len,
			.date = &c->hub->date,
			.close = c->close_after,
			.http10 = c->routed && c->req.http10,
		});
	buf_add(&head, x->extra.ptr, x->extra.len);
	http_reply_end(&head);
	CHECK(buf_ok(&head));
	c->out = x->reply;
	x->reply.ptr = NULL;
	c->out_ptr = c->out.ptr + INVOKE_HEADROOM - head.len;
	c->out_left = head.len + (head_only ? 0 : x->reply_len);
	memcpy(c->out.ptr + INVOKE_HEADROOM - head.len, head.ptr, head.len);
	count(c, x->status, c->out_left);
	send_first(c);
}
