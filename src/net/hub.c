/*
 * A worker's loop (trusted side): accepts, hands connections their turn, keeps
 * their deadlines, and sleeps in one place.
 *
 * Replies are sent by entries that the kernel carries out while it takes them
 * over and that complete silently when all went out. So after a ring_enter()
 * every connection on `sent` that has not been told otherwise is done, and one
 * system call serves a whole batch: it sends the replies, arms the receives and
 * waits for the next requests. hub_settle() is where that conclusion is drawn.
 */
#include "net/hub.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "core/worker.h"
#include "net/conn.h"
#include "util/clock.h"
#include "util/metrics.h"

enum {
	HUB_SQ_ENTRIES = 1024,
	HUB_CQ_ENTRIES = 8192,
	HUB_LINGER_MS = 1000,
	HUB_ACCEPT_RETRY_MS = 100,
	HUB_DRAIN_TURNS = 64,
};

#define HUB_FLUSH_NS (CLOCK_MS / 2)

/* Accepting. ----------------------------------------------------------------*/

static void accept_arm(struct hub_accept *a)
{
	struct io_uring_sqe *sqe = ring_sqe(&a->hub->ring);

	io_uring_prep_multishot_accept(
		sqe, a->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	ring_sqe_op(sqe, &a->op);
	a->armed = true;
	a->retry_at = 0;
}

/* Not even a connection to say it on: the client sees a close. */
static void refuse(struct hub *hub, int fd)
{
	static const char text[] = "HTTP/1.1 503 Service Unavailable\r\n"
				   "Content-Length: 0\r\n"
				   "Retry-After: 1\r\n"
				   "Connection: close\r\n\r\n";
	struct io_uring_sqe *sqe = ring_sqe(&hub->ring);

	io_uring_prep_send(
		sqe, fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	/* Hard: the close follows whether or not the send worked. */
	sqe->flags |= IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS;
	ring_sqe_op(sqe, NULL);
	sqe = ring_sqe(&hub->ring);
	io_uring_prep_close(sqe, fd);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ring_sqe_op(sqe, NULL);
	metrics_inc(hub->worker->metrics, METRIC_HTTP_REQUESTS, 4);
}

void hub_take(struct hub *hub, int fd, bool admin)
{
	metrics_inc(hub->worker->metrics, METRIC_CONNECTIONS_TOTAL, 0);
	if (!conn_open(hub, fd, admin))
		refuse(hub, fd);
}

/* Replies. ------------------------------------------------------------------*/

static void hub_flush(struct hub *hub)
{
	ring_flush(&hub->ring);
	hub->unflushed = false;
	hub->flushed_ns = hub->worker->now;
}

/* Replies go out together, by one system call, but none waits for long. */
void hub_replied(struct hub *hub, struct conn *c, const struct function *fn)
{
	list_push_back(&hub->queued, &c->queue);
	hub->reply_of = hub->unflushed && hub->reply_of != fn ? NULL : fn;
	hub->unflushed = true;
	if (hub->worker->now - hub->flushed_ns > HUB_FLUSH_NS)
		hub_flush(hub);
}

/* Nobody knows how long it will take: another function's reply must not wait
 * for it. */
void hub_before_run(struct hub *hub, const struct function *fn)
{
	if (hub->unflushed && hub->reply_of != fn)
		hub_flush(hub);
}

/* Accepting, for one and for others. ----------------------------------------*/

static void accepted(struct ring_op *op, int res, unsigned flags)
{
	struct hub_accept *a = container_of(op, struct hub_accept, op);
	struct hub *hub = a->hub;

	if (res >= 0 &&
		!server_pass_on(hub->server, hub, res, a->listener.admin))
		hub_take(hub, res, a->listener.admin);
	if (flags & IORING_CQE_F_MORE)
		return;
	a->armed = false;
	/* -EINVAL: the listener was shut down, its number is not ours now. */
	if (hub->draining || res == -EINVAL)
		return;
	/* Out of descriptors or memory: try again later. What only the one
	 * client caused (-ECONNABORTED) is no reason to wait. */
	if (res < 0 && res != -ECONNABORTED && res != -EINTR)
		a->retry_at = hub->worker->now + HUB_ACCEPT_RETRY_MS * CLOCK_MS;
	else
		accept_arm(a);
}

static void accepts_cancel(struct hub *hub)
{
	for (unsigned i = 0; i < hub->n_accept; i++) {
		struct io_uring_sqe *sqe;

		hub->accept[i].retry_at = 0;
		if (!hub->accept[i].armed)
			continue;
		sqe = ring_sqe(&hub->ring);
		io_uring_prep_cancel(sqe, &hub->accept[i].op, 0);
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		ring_sqe_op(sqe, NULL);
	}
}

/* Being woken. --------------------------------------------------------------*/

static void wake_arm(struct hub *hub)
{
	struct io_uring_sqe *sqe = ring_sqe(&hub->ring);

	io_uring_prep_read(sqe, hub->worker->wake_fd, &hub->wake_value,
		sizeof(hub->wake_value), 0);
	ring_sqe_op(sqe, &hub->wake);
	hub->wake_armed = true;
}

static void woken(struct ring_op *op, int res, unsigned flags)
{
	struct hub *hub = container_of(op, struct hub, wake);

	(void)res;
	(void)flags;
	hub->wake_armed = false;
}

/* Timers. -------------------------------------------------------------------*/

static struct conn *timer_first(struct hub *hub, enum hub_timer kind)
{
	struct list *l = list_first(&hub->timer[kind]);

	return l ? container_of(l, struct conn, timer) : NULL;
}

/* Handles what is due; returns the next deadline. */
static uint64_t timers_run(struct hub *hub)
{
	uint64_t next = UINT64_MAX;

	for (enum hub_timer k = 0; k < HUB_TIMERS; k++) {
		struct conn *c;

		while ((c = timer_first(hub, k)) &&
			c->deadline <= hub->worker->now)
			conn_timed_out(c, k);
		if (c && c->deadline < next)
			next = c->deadline;
	}
	for (unsigned i = 0; i < hub->n_accept; i++) {
		struct hub_accept *a = &hub->accept[i];

		if (a->retry_at && a->retry_at <= hub->worker->now)
			accept_arm(a);
		if (a->retry_at && a->retry_at < next)
			next = a->retry_at;
	}
	return next;
}

/* The loop. -----------------------------------------------------------------*/

static void hub_date(struct hub *hub)
{
	uint64_t real;

	if (hub->worker->now < hub->date_next)
		return;
	real = clock_real();
	http_date_update(&hub->date, real);
	hub->date_next = hub->worker->now + CLOCK_S - real % CLOCK_S;
}

/* Every send that the kernel has taken and that did not complain is out. */
static void hub_settle(struct hub *hub)
{
	struct list done;

	if (!ring_settled(&hub->ring))
		return;
	list_init(&done);
	hub_list_move(&hub->sent, &done);
	list_for_each(it, &done)
	{
		list_remove(it);
		conn_sent(container_of(it, struct conn, queue));
	}
}

/*
 * What was sent before the daemon was told to end is still answered: requests
 * and connections that the kernel holds are fetched, turn by turn, until a turn
 * brings nothing new (`reaped` 0).
 */
static void hub_drain(struct hub *hub, unsigned reaped)
{
	hub->eager = true;
	hub->drain_turns++;
	if (hub->drain_turns == 1 ||
		(reaped && hub->drain_turns < HUB_DRAIN_TURNS))
		return;
	hub->draining = true;
	accepts_cancel(hub);
	for (unsigned i = 0; i < hub->fresh; i++)
		conn_drain(&hub->conns[i]);
}

static void hub_enter(struct hub *hub, uint64_t deadline)
{
	struct worker *w = hub->worker;
	bool idle =
		!hub->eager && ring_settled(&hub->ring) && deadline > w->now;

	if (!hub->wake_armed)
		wake_arm(hub);
	hub_list_move(&hub->queued, &hub->sent);
	hub->unflushed = false;
	hub->eager = false;
	if (idle && worker_has_chores(w)) {
		ring_enter(&hub->ring, 0);
		if (!ring_has_more(&hub->ring))
			worker_chore(w);
		return;
	}
	if (idle && worker_may_sleep(w)) {
		ring_wake_at(&hub->ring, deadline);
		ring_enter(&hub->ring, 1);
		worker_awake(w);
		return;
	}
	if (idle)
		worker_awake(w);
	ring_enter(&hub->ring, 0);
}

void hub_loop(struct hub *hub)
{
	struct worker *w = hub->worker;

	for (unsigned i = 0; i < hub->n_accept; i++)
		accept_arm(&hub->accept[i]);
	for (;;) {
		uint64_t core, own;
		unsigned reaped;

		w->now = hub->turn_ns = hub->flushed_ns = clock_now();
		hub_date(hub);
		reaped = ring_reap(&hub->ring);
		hub_settle(hub);
		core = worker_poll(w);
		if (!hub->draining && worker_draining(w))
			hub_drain(hub, reaped);
		if (worker_must_stop(w) || (hub->draining && hub->n_conns == 0))
			break;
		own = timers_run(hub);
		hub_enter(hub, core < own ? core : own);
	}
	/* The last closes. */
	ring_enter(&hub->ring, 0);
}

/* Making and ending. --------------------------------------------------------*/

static void hub_add_listener(struct hub *hub, int fd, bool admin)
{
	if (fd < 0)
		return;
	CHECK(hub->n_accept < SERVER_LISTENERS_MAX);
	hub->accept[hub->n_accept++] = (struct hub_accept){
		.op.complete = accepted,
		.hub = hub,
		.listener = {.fd = fd, .admin = admin},
	};
}

static void hub_timers_init(struct hub *hub, const struct server_options *opt)
{
	hub->timer_ns[HUB_TIMER_HEADER] = opt->header_ns;
	hub->timer_ns[HUB_TIMER_BODY] = opt->body_ns;
	hub->timer_ns[HUB_TIMER_IDLE] = opt->idle_ns;
	hub->timer_ns[HUB_TIMER_SEND] = opt->send_ns;
	hub->timer_ns[HUB_TIMER_LINGER] = HUB_LINGER_MS * CLOCK_MS;
	for (unsigned k = 0; k < HUB_TIMERS; k++)
		list_init(&hub->timer[k]);
}

int hub_new(struct server *s, struct worker *w, struct hub **ret_hub)
{
	struct hub *hub = calloc(1, sizeof(*hub));
	int r;

	if (!hub)
		return -ENOMEM;
	hub->worker = w;
	hub->server = s;
	hub->wake.complete = woken;
	list_init(&hub->queued);
	list_init(&hub->sent);
	hub_timers_init(hub, &s->opt);
	hub->max_conns =
		(s->opt.max_connections + s->n_workers - 1) / s->n_workers;
	hub->conns_bytes = hub->max_conns * sizeof(struct conn);
	hub->conns = mmap(NULL, hub->conns_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hub->conns == MAP_FAILED) {
		r = err_errno();
		free(hub);
		return r;
	}
	r = ring_init(&hub->ring, HUB_SQ_ENTRIES, HUB_CQ_ENTRIES);
	if (r < 0) {
		(void)munmap(hub->conns, hub->conns_bytes);
		free(hub);
		return r;
	}
	hub_add_listener(hub, s->unix_fd, true);
	for (unsigned i = 0; i < s->n_tcp; i++)
		hub_add_listener(
			hub, s->tcp_fds[i * s->n_workers + w->id], false);
	*ret_hub = hub;
	return 0;
}

struct hub *hub_free(struct hub *hub)
{
	if (!hub)
		return NULL;
	ring_fini(&hub->ring);
	(void)munmap(hub->conns, hub->conns_bytes);
	free(hub);
	return NULL;
}
