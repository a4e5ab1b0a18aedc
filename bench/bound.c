/*
 * bench/bound: what this machine can do at most.
 *
 * A server of one thread that answers whatever it receives with one fixed HTTP
 * reply, on the ring code of the daemon. It does not parse, so it is the bound
 * to which `hello` figures are compared. Trusted, a benchmark only: never
 * expose it.
 *
 *     bound [-u SOCKET | -t ADDRESS] [-c MAX_CONNECTIONS]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/list.h"
#include "net/listen.h"
#include "net/ring.h"

static const char reply[] = "HTTP/1.1 200 OK\r\n"
			    "Content-Type: application/json\r\n"
			    "Content-Length: 7\r\n"
			    "\r\n"
			    "\"hello\"";

struct client {
	struct ring_op recv;
	struct ring_op send;
	struct bound *b;
	struct client *next_free;
	int fd;
	char in[2048];
};

struct bound {
	struct ring ring;
	struct ring_op accept;
	struct client *clients;
	struct client *free;
	int listener;
};

static void client_close(struct client *c)
{
	struct io_uring_sqe *sqe = ring_sqe(&c->b->ring);

	io_uring_prep_close(sqe, c->fd);
	ring_sqe_op(sqe, NULL);
	c->next_free = c->b->free;
	c->b->free = c;
}

static void client_receive(struct client *c)
{
	struct io_uring_sqe *sqe = ring_sqe(&c->b->ring);

	io_uring_prep_recv(sqe, c->fd, c->in, sizeof(c->in), 0);
	sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	ring_sqe_op(sqe, &c->recv);
}

static void client_received(struct ring_op *op, int res, unsigned flags)
{
	struct client *c = container_of(op, struct client, recv);
	struct io_uring_sqe *sqe;

	(void)flags;
	if (res <= 0) {
		client_close(c);
		return;
	}
	sqe = ring_sqe(&c->b->ring);
	io_uring_prep_send(sqe, c->fd, reply, sizeof(reply) - 1,
		MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ring_sqe_op(sqe, NULL);
	client_receive(c);
}

static void accept_arm(struct bound *b)
{
	struct io_uring_sqe *sqe = ring_sqe(&b->ring);

	io_uring_prep_multishot_accept(sqe, b->listener, NULL, NULL, 0);
	ring_sqe_op(sqe, &b->accept);
}

static void accepted(struct ring_op *op, int res, unsigned flags)
{
	struct bound *b = container_of(op, struct bound, accept);

	if (res >= 0 && b->free) {
		struct client *c = b->free;

		b->free = c->next_free;
		c->fd = res;
		client_receive(c);
	} else if (res >= 0) {
		(void)close(res);
	}
	if (!(flags & IORING_CQE_F_MORE))
		accept_arm(b);
}

static int bound_listen(const char *sock, const char *tcp)
{
	char err[256];
	int fd = -1;
	int r = sock ? listen_unix(sock, err, sizeof(err), &fd)
		     : listen_tcp(tcp, 1, err, sizeof(err), &fd);

	if (r < 0) {
		(void)fprintf(stderr, "bound: %s\n", err);
		exit(1);
	}
	return fd;
}

static void bound_clients(struct bound *b, unsigned n)
{
	b->clients = calloc(n, sizeof(*b->clients));
	CHECK(b->clients);
	for (unsigned i = n; i-- > 0;) {
		b->clients[i] = (struct client){
			.recv.complete = client_received,
			.b = b,
			.next_free = b->free,
		};
		b->free = &b->clients[i];
	}
}

int main(int argc, char **argv)
{
	static struct bound b = {.accept.complete = accepted};
	const char *sock = NULL, *tcp = "127.0.0.1:8081";
	unsigned n = 10000;
	int opt;

	while ((opt = getopt(argc, argv, "u:t:c:")) != -1) {
		if (opt == 'u') {
			sock = optarg;
		} else if (opt == 't') {
			tcp = optarg;
		} else if (opt == 'c') {
			n = (unsigned)strtoul(optarg, NULL, 10);
		} else {
			(void)fprintf(stderr,
				"usage: bound [-u SOCKET | -t ADDRESS] "
				"[-c CONNECTIONS]\n");
			return 2;
		}
	}
	b.listener = bound_listen(sock, tcp);
	bound_clients(&b, n);
	CHECK(ring_init(&b.ring, 1024, 8192) == 0);
	accept_arm(&b);
	for (;;) {
		ring_enter(&b.ring, 1);
		(void)ring_reap(&b.ring);
	}
}
