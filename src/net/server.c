/*
 * The server as a whole (control thread, trusted side): options, listening
 * sockets, one hub per worker.
 */
#include "net/server.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/list.h"
#include "core/keeper.h"
#include "core/worker.h"
#include "net/http.h"
#include "net/hub.h"
#include "net/listen.h"
#include "util/clock.h"

/* A request stands in one block of the worker's pool. */
#define BODY_MAX (BUFPOOL_BLOCK_MAX - HTTP_HEAD_MAX - 4096)

static int setup(struct worker *w, void *arg, int *ret_ring_fd)
{
	struct server *s = arg;
	struct hub *hub;
	int r = hub_new(s, w, &hub);

	if (r < 0)
		return r;
	w->net = hub;
	/* Stays until server_fini(): the control thread reads its counters. */
	s->hubs[w->id] = hub;
	*ret_ring_fd = hub->ring.u.ring_fd;
	return 0;
}

static void loop(struct worker *w, void *arg)
{
	(void)arg;
	hub_loop(w->net);
}

/* Handing over. -------------------------------------------------------------*/

static void taken_over(struct msg *msg)
{
	struct handover *h = container_of(msg, struct handover, msg);
	struct hub *to = h->to;
	bool admin = h->admin;
	int fd = h->fd;

	atomic_store(&h->taken, false);
	atomic_fetch_sub(&to->n_coming, 1);
	hub_take(to, fd, admin);
}

/* Keeper: workers can't wake each other. */
static void passed_on(struct msg *msg)
{
	struct handover *h = container_of(msg, struct handover, msg);

	h->msg.run = taken_over;
	worker_post(h->to->worker, &h->msg);
}

static unsigned load_of(struct hub *hub)
{
	return atomic_load(&hub->n_conns) + atomic_load(&hub->n_coming);
}

static struct handover *handover_free(struct server *s)
{
	for (unsigned i = 0; i < SERVER_HANDOVERS; i++)
		if (!atomic_exchange(&s->handovers[i].taken, true))
			return &s->handovers[i];
	return NULL;
}

/* The one with the fewest connections, but for those that are in a run, or in a
 * long one; NULL: there is none. */
static struct hub *least_busy(
	const struct server *s, bool (*busy)(const struct worker *w))
{
	struct hub *best = NULL;

	for (unsigned i = 0; i < s->n_workers; i++) {
		struct hub *hub = atomic_load(&s->hubs[i]);

		if (hub && !busy(hub->worker) &&
			(!best || load_of(hub) < load_of(best)))
			best = hub;
	}
	return best;
}

static void hand(struct handover *h, struct hub *to, int fd, bool admin)
{
	h->to = to;
	h->fd = fd;
	h->admin = admin;
	atomic_fetch_add(&to->n_coming, 1);
}

/* Whoever sleeps deepest is told of most clients: without this they would all
 * be one worker's. */
bool server_pass_on(struct server *s, struct hub *from, int fd, bool admin)
{
	struct hub *to = least_busy(s, worker_stuck);
	struct handover *h;

	if (!to || to == from || load_of(from) <= load_of(to) ||
		worker_draining(from->worker))
		return false;
	h = handover_free(s);
	if (!h)
		return false;
	hand(h, to, fd, admin);
	h->msg.run = passed_on;
	keeper_post(s->rt->keeper, &h->msg);
	return true;
}

static void hand_over(struct server *s, int listener, bool admin)
{
	struct hub *to;

	while ((to = least_busy(s, worker_running))) {
		struct handover *h = handover_free(s);
		int fd;

		if (!h)
			return;
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			atomic_store(&h->taken, false);
			return;
		}
		hand(h, to, fd, admin);
		passed_on(&h->msg);
	}
}

/*
 * Who connects is announced to one worker; if that one is busy with a long run
 * the client would wait for it while others sleep. What it has accepted already
 * does wait.
 */
static void stuck(struct worker *w, void *arg)
{
	struct server *s = arg;

	if (s->n_workers == 1 || worker_draining(w))
		return;
	if (s->unix_fd >= 0)
		hand_over(s, s->unix_fd, true);
	for (unsigned i = 0; i < s->n_tcp; i++)
		hand_over(s, s->tcp_fds[i * s->n_workers + w->id], false);
}

static void before_run(struct worker *w, const struct function *fn)
{
	hub_before_run(w->net, fn);
}

static void drain(void *arg)
{
	server_unlisten(arg);
}

#define DEFAULT(field, value) (opt->field = opt->field ? opt->field : (value))

void server_options_init(struct server_options *opt)
{
	DEFAULT(max_connections, 10000);
	DEFAULT(max_request, 6 << 20);
	DEFAULT(max_code, 8 << 20);
	DEFAULT(header_ns, 10 * CLOCK_S);
	DEFAULT(body_ns, 30 * CLOCK_S);
	DEFAULT(idle_ns, 75 * CLOCK_S);
	DEFAULT(send_ns, 30 * CLOCK_S);
	DEFAULT(default_memory_bytes, 64 << 20);
	DEFAULT(default_timeout_ns, 30 * CLOCK_S);
	DEFAULT(max_memory_bytes, UINT64_C(1024) << 20);
	DEFAULT(max_timeout_ns, 900 * CLOCK_S);
	DEFAULT(max_idle_ttl_ns, 86400 * CLOCK_S);
}

int server_init(
	struct server *s, struct runtime *rt, const struct server_options *opt)
{
	*s = (struct server){
		.opt = *opt,
		.rt = rt,
		.n_workers = rt->n_workers,
		.unix_fd = -1,
		.loop = {setup, loop, drain, stuck, before_run, s},
	};
	server_options_init(&s->opt);
	if (s->opt.max_request > BODY_MAX)
		s->opt.max_request = BODY_MAX;
	if (s->opt.max_code > BODY_MAX)
		s->opt.max_code = BODY_MAX;
	s->hubs = calloc(s->n_workers, sizeof(*s->hubs));
	s->tcp_fds = calloc(
		(size_t)SERVER_TCP_MAX * s->n_workers, sizeof(*s->tcp_fds));
	if (!s->hubs || !s->tcp_fds) {
		server_fini(s);
		return -ENOMEM;
	}
	return 0;
}

int server_listen(struct server *s, char *err, size_t err_size)
{
	int r;

	if (s->opt.socket) {
		r = listen_unix(s->opt.socket, err, err_size, &s->unix_fd);
		if (r < 0)
			return r;
	}
	for (unsigned i = 0; i < SERVER_TCP_MAX && s->opt.tcp[i]; i++) {
		r = listen_tcp(s->opt.tcp[i], s->n_workers, err, err_size,
			s->tcp_fds + (size_t)i * s->n_workers);
		if (r < 0) {
			server_unlisten(s);
			return r;
		}
		s->n_tcp++;
	}
	return 0;
}

void server_unlisten(struct server *s)
{
	if (s->unix_fd >= 0) {
		listen_unlink(s->opt.socket, s->unix_fd);
		(void)close(s->unix_fd);
		s->unix_fd = -1;
	}
	/* Not shut down, which would reset who waits to be accepted: the ring's
	 * accept holds the socket until its worker has had a last look. */
	for (unsigned i = 0; i < s->n_tcp * s->n_workers; i++)
		(void)close(s->tcp_fds[i]);
	s->n_tcp = 0;
}

void server_fini(struct server *s)
{
	server_unlisten(s);
	for (unsigned i = 0; s->hubs && i < s->n_workers; i++)
		s->hubs[i] = hub_free(s->hubs[i]);
	free(s->hubs);
	free(s->tcp_fds);
	s->hubs = NULL;
	s->tcp_fds = NULL;
}

unsigned server_connections(const struct server *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_workers; i++)
		if (s->hubs[i])
			n += atomic_load_explicit(
				&s->hubs[i]->n_conns, memory_order_relaxed);
	return n;
}

unsigned server_port(const struct server *s)
{
	return s->n_tcp ? listen_port(s->tcp_fds[0]) : 0;
}
