#pragma once
/*
 * The control thread: the process's first thread. It changes the registry,
 * writes logs and answers every request that is not an invocation, so that
 * workers need neither malloc nor locks.
 *
 * A worker hands over a control_req (its memory stays the worker's), the
 * handler answers on the control thread, `done` runs on the worker again. The
 * reply's bytes are the control thread's until the worker gives them back with
 * control_release().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ending.h"
#include "util/inbox.h"

struct runtime;
struct worker;
struct control_req;

typedef void control_fn(struct control_req *req);

struct control_req {
	struct msg msg;
	/* Set by the worker, valid until done. */
	struct worker *worker;
	control_fn *handle;  /* on the control thread; ends in
			      * control_reply(), at once or later */
	control_fn *done;    /* on the worker */
	const void *request; /* the network floor's own view of it */

	/* Set by control_reply(). */
	int status;		/* HTTP status */
	const char *media_type; /* static string */
	char *body;		/* malloc'd; NULL: none */
	size_t body_len;
	char location[2 * 64 + 32];

	void *state; /* the handler's own, across its steps */
};

/* Worker. */
void control_submit(struct worker *w, struct control_req *req);
void control_release(struct control_req *req); /* after done; frees body */

/* Control thread. Takes over body (malloc'd). Call exactly once. */
void control_reply(struct control_req *req, int status, const char *media_type,
	char *body, size_t body_len);

/*
 * Control thread: run `load_only` of fn on the worker the request came from,
 * then `then(req)` on the control thread with req->state untouched and the
 * outcome and message in *ret (owned by the core, good during `then`).
 */
struct control_load {
	struct ending end;
	char message[1024]; /* for the user, NUL-terminated */
};
typedef void control_loaded_fn(
	struct control_req *req, const struct control_load *load);
struct function;
int control_load(
	struct control_req *req, struct function *fn, control_loaded_fn *then);

/* Worker: len bytes of compiled code would be taken from inv's isolate. The one
 * time for it is a load on trial: then no request has been there. */
struct invocation;
bool control_wants(const struct invocation *inv, uint64_t len);
/* Worker: what a load came to; its reply's bytes are given back. */
void control_take(struct invocation *inv, struct control_load *ret_load);
/* Any thread: run msg on the control thread. */
void control_post(struct runtime *rt, struct msg *msg);
