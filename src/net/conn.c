/*
 * A connection's life and its way in (worker, trusted side; what it reads is
 * hostile). The way out stands in conn_out.c.
 *
 * Bytes are received into one buffer and parsed in place. It starts small and
 * is swapped for one of the right size once a request's length is known, or
 * doubled while a chunked body grows, and swapped back after the reply, so an
 * idle connection costs BUFFER_SMALL bytes.
 */
#include "net/conn.h"

#include <string.h>

#include "base/check.h"
#include "core/worker.h"
#include "net/routes.h"
#include "util/clock.h"
#include "util/metrics.h"

enum {
	BUFFER_SMALL = 2048,
	LINGER_BYTES = 1 << 20,
};

static struct bufpool *pool_of(struct conn *c)
{
	return &c->hub->worker->pool;
}

static void count_connections(struct hub *hub, int by)
{
	unsigned n = atomic_load_explicit(&hub->n_conns, memory_order_relaxed);

	atomic_store_explicit(
		&hub->n_conns, n + (unsigned)by, memory_order_relaxed);
	metrics_add(hub->worker->metrics, METRIC_CONNECTIONS, 0, by);
}

/* Timers. -------------------------------------------------------------------*/

void conn_timer(struct conn *c, enum hub_timer kind)
{
	list_remove(&c->timer);
	c->deadline = c->hub->worker->now + c->hub->timer_ns[kind];
	list_push_back(&c->hub->timer[kind], &c->timer);
}

void conn_timer_stop(struct conn *c)
{
	list_remove(&c->timer);
}

/* Closing. ------------------------------------------------------------------*/

static void release(struct conn *c)
{
	struct hub *hub = c->hub;
	struct io_uring_sqe *sqe;

	bufpool_put(pool_of(c), c->in);
	bufpool_put(pool_of(c), c->out);
	c->in.ptr = NULL;
	c->out.ptr = NULL;
	sqe = ring_sqe(&hub->ring);
	io_uring_prep_close(sqe, c->fd);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ring_sqe_op(sqe, NULL);
	c->fd = -1;
	c->next_free = hub->free;
	hub->free = c;
	count_connections(hub, -1);
}

static void cancel(struct conn *c, struct ring_op *op)
{
	struct io_uring_sqe *sqe = ring_sqe(&c->hub->ring);

	io_uring_prep_cancel(sqe, op, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ring_sqe_op(sqe, NULL);
}

void conn_close(struct conn *c)
{
	if (c->state != CONN_CLOSED) {
		c->state = CONN_CLOSED;
		conn_timer_stop(c);
		list_remove(&c->queue);
		/* Buffers are the kernel's until these complete. */
		if (c->recv_armed)
			cancel(c, &c->recv_op);
		if (c->send_armed)
			cancel(c, &c->send_op);
	}
	if (!c->recv_armed && !c->send_armed && !c->shut_armed && c->fd >= 0)
		release(c);
}

static void shut(struct ring_op *op, int res, unsigned flags)
{
	struct conn *c = container_of(op, struct conn, shut_op);

	(void)res;
	(void)flags;
	c->shut_armed = false;
	if (c->state == CONN_CLOSED)
		conn_close(c);
}

/* The kernel hands a shutdown to a thread of its own, which looks the
 * descriptor up when it gets there: until then the number must not become
 * another client's, so it is waited for like a buffer. */
static void linger(struct conn *c)
{
	struct io_uring_sqe *sqe = ring_sqe(&c->hub->ring);

	io_uring_prep_shutdown(sqe, c->fd, SHUT_WR);
	ring_sqe_op(sqe, &c->shut_op);
	c->shut_armed = true;
	c->state = CONN_LINGERING;
	c->lingered = 0;
	c->in_pos = c->in_len = 0;
	conn_timer(c, HUB_TIMER_LINGER);
	conn_receive(c);
}

/* Receiving. ----------------------------------------------------------------*/

static void receive(struct conn *c, unsigned short how)
{
	struct io_uring_sqe *sqe;

	if (c->recv_armed)
		return;
	CHECK(c->in_len < c->in.cap);
	sqe = ring_sqe(&c->hub->ring);
	io_uring_prep_recv(
		sqe, c->fd, c->in.ptr + c->in_len, c->in.cap - c->in_len, 0);
	sqe->ioprio |= how;
	ring_sqe_op(sqe, &c->recv_op);
	c->recv_armed = true;
}

void conn_receive(struct conn *c)
{
	receive(c, 0);
}

/* A buffer of at least `size` bytes in place of the one there is, with what is
 * not yet answered at its start. False: no memory, nothing has changed. */
static bool buffer_resize(struct conn *c, size_t size)
{
	size_t len = c->in_len - c->in_pos;
	struct bufpool_block b;

	CHECK(!c->recv_armed && len <= size);
	b = bufpool_get(pool_of(c), size);
	if (!b.ptr)
		return false;
	memcpy(b.ptr, c->in.ptr + c->in_pos, len);
	bufpool_put(pool_of(c), c->in);
	c->in = b;
	c->in_pos = 0;
	c->in_len = len;
	return true;
}

/* Room for a request of `size` bytes, head and body. */
static bool buffer_room(struct conn *c, size_t size)
{
	if (c->in.cap - c->in_pos >= size)
		return true;
	if (c->in.cap < size)
		return buffer_resize(c, size);
	c->in_len -= c->in_pos;
	memmove(c->in.ptr, c->in.ptr + c->in_pos, c->in_len);
	c->in_pos = 0;
	return true;
}

void conn_receive_next(struct conn *c)
{
	c->in_pos = c->in_len = 0;
	/* If there is no small buffer to be had, the big one stays. */
	if (c->in.cap > BUFFER_SMALL)
		(void)buffer_resize(c, BUFFER_SMALL);
	/* The next request cannot be there yet: do not look, wait. */
	receive(c, IORING_RECVSEND_POLL_FIRST);
}

static void discard(struct conn *c, int res)
{
	c->lingered += res > 0 ? (size_t)res : 0;
	if (res <= 0 || c->lingered > LINGER_BYTES)
		conn_close(c);
	else
		conn_receive(c);
}

static void received(struct ring_op *op, int res, unsigned flags)
{
	struct conn *c = container_of(op, struct conn, recv_op);

	(void)flags;
	c->recv_armed = false;
	if (c->state == CONN_CLOSED) {
		conn_close(c);
	} else if (res == -EFAULT || res == -EINTR || res == -EAGAIN) {
		conn_receive(c);
	} else if (c->state == CONN_LINGERING) {
		discard(c, res);
	} else if (res <= 0) {
		c->eof = true;
		if (c->state == CONN_READING)
			conn_close(c);
	} else {
		c->in_len += (size_t)res;
		metrics_add(c->hub->worker->metrics, METRIC_HTTP_BYTES,
			METRIC_DIRECTION_IN, res);
		if (c->state == CONN_READING)
			conn_advance(c);
	}
}

/* Requests. -----------------------------------------------------------------*/

static void request_begin(struct conn *c)
{
	const struct server_options *o = &c->hub->server->opt;

	c->state = CONN_READING;
	c->begin_ns = 0;
	c->routed = false;
	http_init(&c->req,
		o->max_code > o->max_request ? o->max_code : o->max_request);
}

static void exchange_begin(struct conn *c)
{
	struct exchange *x = &c->x;

	c->state = CONN_RUNNING;
	conn_timer_stop(c);
	x->server = c->hub->server;
	x->worker = c->hub->worker;
	x->req = &c->req;
	x->replied = conn_reply;
	x->route = NULL;
	x->admin = c->admin;
	x->reply.ptr = NULL;
	x->control_held = false;
	x->running = false;
	x->ran = NULL;
	x->id_len = 0;
	buf_init(&x->extra, x->extra_mem, sizeof(x->extra_mem));
}

/* Answers what was not read to its end: nothing can follow it. */
static void refuse(struct conn *c, enum problem p, int status, const char *why)
{
	c->linger = true;
	exchange_reply_problem(
		&c->x, &(struct problem_info){.problem = p,
			       .status = status,
			       .detail = why,
			       .detail_len = why ? strlen(why) : 0});
}

/* As far as is known. */
static uint64_t body_announced(const struct http_request *h)
{
	return h->chunked ? h->chunks.out + h->chunks.left : h->content_length;
}

/* The head is there; decides before the body is read. False: answered. */
static bool request_route(struct conn *c)
{
	struct exchange *x = &c->x;
	bool complete = c->routed;

	exchange_begin(c);
	c->routed = true;
	c->linger = !complete && (c->req.chunked || c->req.content_length);
	if (!exchange_route(x))
		return false;
	if (body_announced(&c->req) > exchange_body_max(x)) {
		c->linger = true;
		exchange_reply_too_large(x);
		return false;
	}
	c->req.body_max = exchange_body_max(x);
	c->linger = false;
	c->state = CONN_READING;
	return true;
}

static void send_continue(struct conn *c)
{
	struct io_uring_sqe *sqe = ring_sqe(&c->hub->ring);

	/* If these bytes do not fit the client will time out. */
	io_uring_prep_send(sqe, c->fd, HTTP_CONTINUE, sizeof(HTTP_CONTINUE) - 1,
		MSG_NOSIGNAL | MSG_DONTWAIT);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ring_sqe_op(sqe, NULL);
}

/* Twice what there is, but no more than a request may have. */
static size_t grown(struct conn *c, size_t have)
{
	size_t most = c->routed
			      ? c->req.head_len + c->req.body_max + BUFFER_SMALL
			      : (size_t)HTTP_HEAD_MAX + BUFFER_SMALL;

	return 2 * have < most ? 2 * have : most;
}

/* Receives more of this request, into a buffer that has room for it. */
static void request_more(struct conn *c)
{
	size_t have = c->in_len - c->in_pos;
	size_t want = http_want(&c->req);

	if (want == 0)
		want = c->in.cap - c->in_pos > have ? have + 1 : grown(c, have);
	if (want > have && buffer_room(c, want)) {
		conn_receive(c);
		return;
	}
	exchange_begin(c);
	refuse(c, PROBLEM_LIMIT_MEMORY, 0,
		"no buffer is free for a request of this size");
}

static void request_body(struct conn *c)
{
	if (!c->routed) {
		if (!request_route(c))
			return;
		conn_timer(c, HUB_TIMER_BODY);
		if (c->req.expect_continue &&
			c->in_len - c->in_pos == c->req.head_len)
			send_continue(c);
	}
	request_more(c);
}

static void request_run(struct conn *c)
{
	struct exchange *x = &c->x;

	/* Again if it was done before the body, as the buffer may have moved;
	 * the outcome is the same. */
	c->routed = true;
	c->in_pos += c->req.consumed;
	if (!request_route(c))
		return;
	if (c->req.body_len > c->req.body_max) {
		c->state = CONN_RUNNING;
		c->linger = true;
		exchange_reply_too_large(x);
		return;
	}
	c->state = CONN_RUNNING;
	exchange_run(x);
}

void conn_advance(struct conn *c)
{
	size_t len = c->in_len - c->in_pos;
	int r;

	if (c->begin_ns == 0) {
		c->fresh = false;
		c->begin_ns = c->hub->turn_ns;
		conn_timer(c, HUB_TIMER_HEADER);
	}
	r = http_parse(&c->req, c->in.ptr + c->in_pos, &len);
	c->in_len = c->in_pos + len;
	if (r == 0) {
		request_run(c);
	} else if (r == HTTP_E_MORE_BODY) {
		request_body(c);
	} else if (r == HTTP_E_MORE_HEAD) {
		request_more(c);
	} else {
		exchange_begin(c);
		refuse(c, problem_of_status(c->req.status), c->req.status,
			c->req.reason);
	}
}

void conn_sent(struct conn *c)
{
	conn_timer_stop(c);
	bufpool_put(pool_of(c), c->out);
	c->out.ptr = NULL;
	if (c->linger && !c->eof && !c->recv_armed) {
		linger(c);
		return;
	}
	if (c->close_after || c->eof) {
		conn_close(c);
		return;
	}
	request_begin(c);
	if (c->in_pos < c->in_len)
		conn_advance(c);
	else if (c->hub->draining)
		conn_close(c);
	else
		conn_timer(c, HUB_TIMER_IDLE);
}

void conn_timed_out(struct conn *c, enum hub_timer kind)
{
	if (c->state != CONN_READING || c->fresh || kind == HUB_TIMER_IDLE) {
		conn_close(c);
		return;
	}
	exchange_begin(c);
	refuse(c, PROBLEM_REQUEST_TIMEOUT, 0,
		kind == HUB_TIMER_HEADER ? "the headers did not come in time"
					 : "the body did not come in time");
}

void conn_drain(struct conn *c)
{
	if (c->state == CONN_READING && c->begin_ns == 0)
		conn_close(c);
}

/* Opening. ------------------------------------------------------------------*/

static struct conn *slot_take(struct hub *hub)
{
	struct conn *c = hub->free;

	if (c) {
		hub->free = c->next_free;
		return c;
	}
	if (hub->fresh == hub->max_conns)
		return NULL;
	c = &hub->conns[hub->fresh++];
	c->hub = hub;
	c->recv_op.complete = received;
	c->send_op.complete = conn_send_complete;
	c->shut_op.complete = shut;
	list_init(&c->timer);
	list_init(&c->queue);
	return c;
}

bool conn_open(struct hub *hub, int fd, bool admin)
{
	struct bufpool_block in = bufpool_get(&hub->worker->pool, BUFFER_SMALL);
	struct conn *c = in.ptr ? slot_take(hub) : NULL;

	if (!c) {
		bufpool_put(&hub->worker->pool, in);
		return false;
	}
	c->fd = fd;
	c->in = in;
	c->in_pos = c->in_len = 0;
	c->out.ptr = NULL;
	c->recv_armed = c->send_armed = c->shut_armed = false;
	c->admin = admin;
	c->fresh = true;
	c->eof = c->close_after = c->linger = false;
	count_connections(hub, 1);
	request_begin(c);
	conn_timer(c, HUB_TIMER_HEADER);
	conn_receive(c);
	return true;
}
