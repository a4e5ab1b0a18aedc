#pragma once
/*
 * The daemon's HTTP server: listening sockets made by the control thread, one
 * loop per worker that owns its connections (struct worker_loop of the core).
 *
 *     server_init() -> server_listen() -> runtime_start(rt, &server->loop)
 *     -> drain -> server_unlisten() -> server_fini()
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/runtime.h"
#include "core/worker.h"

enum {
	SERVER_TCP_MAX = 8,
	SERVER_LISTENERS_MAX = SERVER_TCP_MAX + 1,
};

struct server_options {
	const char *socket;		 /* path; NULL: no Unix socket */
	const char *tcp[SERVER_TCP_MAX]; /* "127.0.0.1:8080"; NULL: none */
	const char *admin_token;  /* NULL: admin verbs only over the socket */
	unsigned max_connections; /* all workers together */
	size_t max_request;	  /* bytes of an invocation's body */
	size_t max_code;	  /* bytes of a registration's body */
	uint64_t header_ns; /* from a request's first byte to its headers' end;
			     * a new connection must send its first by then */
	uint64_t body_ns;   /* from the headers' end to the body's */
	uint64_t idle_ns;   /* between requests */
	uint64_t send_ns;   /* without the client taking a byte */
	/* What a registration gets when it does not say. */
	uint64_t default_memory_bytes;
	uint64_t default_timeout_ns;
	uint64_t default_idle_ttl_ns;
	uint64_t default_cpu_ns; /* each 0: no limit */
	uint32_t default_concurrency;
	uint32_t default_rate;
	uint32_t default_contexts;
	bool admit_system_calls; /* their bytes in native code */
	uint64_t max_memory_bytes;
	uint64_t max_timeout_ns;
	uint64_t max_idle_ttl_ns;
};

struct listener {
	int fd;
	bool admin; /* its clients may register: the Unix socket */
};

enum {
	SERVER_HANDOVERS = 64
};

/* A connection that the keeper accepted for another worker than its own. */
struct handover {
	struct msg msg;
	struct hub *to;
	int fd;
	bool admin;
	_Atomic bool taken;
};

struct hub; /* a worker's part of the server: hub.h */

struct server {
	struct server_options opt;
	struct runtime *rt;
	struct worker_loop loop;
	unsigned n_workers;
	int unix_fd;
	unsigned n_tcp;
	int *tcp_fds;		     /* n_tcp x n_workers */
	_Atomic(struct hub *) *hubs; /* by worker; NULL until it is set up */
	struct handover handovers[SERVER_HANDOVERS];
};

/* Fills in defaults for zero fields, but for default_idle_ttl_ns, where zero
 * means something. */
void server_options_init(struct server_options *opt);

/* rt is initialised (n_workers is known); opt's strings must outlive s. On
 * failure a message for the user is in err. */
int server_init(
	struct server *s, struct runtime *rt, const struct server_options *opt);
/* Before runtime_start(). */
int server_listen(struct server *s, char *err, size_t err_size);
/* Closes the listeners, removes the socket file. Safe to call twice. */
void server_unlisten(struct server *s);
void server_fini(struct server *s);
/* Connections of all workers; any thread, not exact. */
unsigned server_connections(const struct server *s);
/* Worker: from's, of a connection it has accepted. True: another worker, which
 * has fewer, will have it. */
bool server_pass_on(struct server *s, struct hub *from, int fd, bool admin);
/* The port of the first TCP listener; 0: none. */
unsigned server_port(const struct server *s);
