#pragma once
/*
 * A small blocking HTTP/1.1 client: one connection, one request, one reply,
 * over a Unix socket or TCP. The reply is bounded and framed strictly (a
 * reply without a length is refused), so that a daemon that dies halfway is
 * seen as that and never as a short answer.
 *
 * Client process only; what the other end sends is not trusted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define CLIENT_HEAD_MAX (64u * 1024u)
#define CLIENT_BODY_MAX (64u * 1024u * 1024u)

enum client_e {
	CLIENT_E_UNREACHABLE = 1, /* no connection */
	CLIENT_E_TIMEOUT,	  /* none or half a reply in time */
	CLIENT_E_BROKEN,	  /* died halfway, or is no HTTP server */
	CLIENT_E_TOO_LARGE,	  /* reply past the bounds above */
};

struct client_error {
	char text[256];
};

struct client_target {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	char name[128]; /* for messages */
	char host[80];	/* Host: */
};

struct client_request {
	const char *method;
	const char *path;	  /* with query, already encoded */
	const char *content_type; /* NULL: none */
	const void *body;
	size_t body_len;
	const char *token;  /* Authorization: Bearer; NULL: none */
	int64_t timeout_ms; /* for the whole call; 0: none */
};

struct client_response {
	int status;
	char *head; /* header lines, NUL-terminated, CRLF kept */
	char *body; /* NUL-terminated behind body_len */
	size_t body_len;
};

/* False: too long for a socket address. */
bool client_target_unix(const char *path, struct client_target *ret_target);
/* "http://127.0.0.1:8080", a final slash allowed. False: none of that form. */
bool client_target_url(const char *url, struct client_target *ret_target);

/* 0, or a client_e with text for the user, or -errno. ret_res is written on 0
 * only; client_response_fini() it. */
int client_call(const struct client_target *target,
	const struct client_request *req, struct client_error *err,
	struct client_response *ret_res);
void client_response_fini(struct client_response *res);
/* Copies the first header of that name, trimmed; false and "" if absent. */
bool client_header(const struct client_response *res, const char *name,
	char *ret_value, size_t size);
