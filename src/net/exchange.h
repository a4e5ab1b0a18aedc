#pragma once
/*
 * One request and its reply: what a connection shares with the handlers of the
 * routes. Lives in its connection; the worker's, but for the time between
 * control_submit() and done, when it is the control thread's.
 *
 * A handler on the worker ends in exactly one exchange_reply_*(), at once or
 * later; a handler on the control thread in exactly one control_reply(), whose
 * bytes are sent from the worker. The request's bytes are hostile and stay
 * where they are until the reply is made.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/control.h"
#include "core/invoke.h"
#include "net/http.h"
#include "net/problem.h"
#include "util/buf.h"
#include "util/strutil.h"

struct exchange;
struct route;
struct server;

enum {
	EXCHANGE_PARAMS = 2,
	/* Bytes of further header lines; with those of every reply they fit
	 * into INVOKE_HEADROOM. */
	EXCHANGE_EXTRA = 288,
};

/* Instead of a status in control_reply(): the body is the argument of a call of
 * the function x->id, to be made on the worker. */
enum {
	EXCHANGE_INVOKE = 0
};

typedef void exchange_replied_fn(struct exchange *x);

struct exchange {
	/* Set by the connection. */
	struct server *server;
	struct worker *worker;
	struct http_request *req;
	exchange_replied_fn *replied;
	const char *body;
	size_t body_len;

	/* Set by exchange_route(). */
	const struct route *route;
	struct slice query;
	struct slice param[EXCHANGE_PARAMS]; /* what the route's {} matched */
	char id[FUNCTION_ID_MAX]; /* "tenant/name" of both; "": not valid */
	size_t id_len;
	bool admin; /* came over the Unix socket, or with the admin token */

	/* For the handlers. */
	struct invocation inv;
	struct control_req control;
	bool control_held;	    /* control.body is in use */
	uint64_t arrived_ns;	    /* the request was there, clock_now() */
	const struct function *ran; /* of the invocation, for comparing; NULL */
	bool running;		    /* between exchange_run() and the reply */
	char extra_mem[EXCHANGE_EXTRA];
	struct buf extra; /* whole header lines, CRLF each */

	/* Set by exchange_reply_*(). */
	int status;
	const char *media_type;
	struct bufpool_block reply; /* body at ptr + INVOKE_HEADROOM */
	size_t reply_len;
};

/* For the connection, on the worker. ----------------------------------------*/

/* Finds the route once the head is there, before the body is. False: answered
 * already (no such path, not allowed). May be called again. */
bool exchange_route(struct exchange *x);
/* The largest body this route takes. */
size_t exchange_body_max(const struct exchange *x);
/* The body is there: run the handler. */
void exchange_run(struct exchange *x);
/* Gives back what the reply was made from. */
void exchange_end(struct exchange *x);

/* For handlers on the worker. -----------------------------------------------*/

/* Takes over block. */
void exchange_reply_block(struct exchange *x, int status,
	const char *media_type, struct bufpool_block block, size_t len);
/* Copies body. */
void exchange_reply_bytes(struct exchange *x, int status,
	const char *media_type, const void *body, size_t len);
void exchange_reply_problem(
	struct exchange *x, const struct problem_info *info);
void exchange_reply_text(
	struct exchange *x, enum problem p, const char *detail);
void exchange_reply_not_found(struct exchange *x);
/* Why x->id is none; any thread. */
void exchange_say_not_found(const struct exchange *x, struct buf *b);
void exchange_reply_too_large(struct exchange *x);
/* False: answered, since the request has query parameters. */
bool exchange_no_query(struct exchange *x);
#define EXCHANGE_NO_QUERY "this path takes no query parameters"
void exchange_reply_denied(struct exchange *x);
