/*
 * Errands between workers and the control thread. Trusted side.
 *
 * Memory: what a worker hands over stays the worker's; what the control thread
 * allocates it also frees, so a reply's bytes travel in a control_body that
 * comes home as a message.
 */
#include "core/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/runtime_core.h"
#include "core/worker_core.h"

/* A reply's bytes, with the message that brings them home in front. */
struct control_body {
	struct msg msg;
	char bytes[];
};

struct control_job {
	struct msg msg;
	struct invocation inv;
	struct control_req *req;
	control_loaded_fn *then;
	struct control_load load;
};

enum {
	/* Twice as long as its text, that is: of what people write. */
	COMPILED_FACTOR = 4,
	COMPILED_ROOM = 4096,
};

void control_post(struct runtime *rt, struct msg *msg)
{
	(void)inbox_push(&rt->inbox, msg);
	doorbell_ring(&rt->doorbell);
}

/* Requests. ---------------------------------------------------------------- */

static void control_arrived(struct msg *msg)
{
	struct control_req *req = container_of(msg, struct control_req, msg);

	req->handle(req);
}

static void control_returned(struct msg *msg)
{
	struct control_req *req = container_of(msg, struct control_req, msg);

	req->done(req);
}

void control_submit(struct worker *w, struct control_req *req)
{
	req->worker = w;
	req->status = 0;
	req->body = NULL;
	req->body_len = 0;
	req->location[0] = '\0';
	req->state = NULL;
	req->msg.run = control_arrived;
	control_post(w->rt, &req->msg);
}

void control_reply(struct control_req *req, int status, const char *media_type,
	char *body, size_t body_len)
{
	struct control_body *b = NULL;

	if (body)
		b = malloc(sizeof(*b) + body_len);
	if (b) {
		memcpy(b->bytes, body, body_len);
		req->body = b->bytes;
		req->body_len = body_len;
	}
	/* No memory for the bytes: the status must not promise them. */
	req->status = body && !b ? 500 : status;
	free(body);
	req->media_type = media_type;
	req->msg.run = control_returned;
	worker_post(req->worker, &req->msg);
}

static void control_free_body(struct msg *msg)
{
	free(container_of(msg, struct control_body, msg));
}

void control_release(struct control_req *req)
{
	struct control_body *b;

	if (!req->body)
		return;
	b = container_of(req->body, struct control_body, bytes);
	req->body = NULL;
	b->msg.run = control_free_body;
	control_post(req->worker->rt, &b->msg);
}

/* Trial loads. ------------------------------------------------------------- */

/* Room for compiled code, so that the worker needs none of its own. Without it
 * the text does. */
static void control_job_room(struct control_job *job)
{
	const struct function *fn = job->inv.fn;
	size_t most = job->req->worker->rt->opt.max_code;
	size_t room = COMPILED_FACTOR * fn->code_len + COMPILED_ROOM;
	size_t fits = isolate_code_room(isolate_bytes(fn->opt.memory_bytes));

	if (!fn->code)
		return;
	if (room > fits)
		room = fits;
	if (most && room > most)
		room = most;
	if (room == 0)
		return;
	job->inv.compiled.at = malloc(room + 1);
	job->inv.compiled.room = job->inv.compiled.at ? room : 0;
}

/* What came of it is the function's, or nobody's. */
static void control_job_keep(struct control_job *job)
{
	char *code = job->inv.compiled.at;
	size_t len = job->inv.compiled.len;
	char *fit;

	if (len == 0 || job->load.end.outcome != OUTCOME_OK) {
		free(code);
		return;
	}
	fit = realloc(code, len + 1);
	function_compiled(job->inv.fn, fit ? fit : code, len);
}

bool control_wants(const struct invocation *inv, uint64_t len)
{
	return inv->load_only && !inv->isolate->loaded &&
	       inv->compiled.len == 0 && len > 0 && len <= inv->compiled.room;
}

static void control_job_home(struct msg *msg)
{
	struct control_job *job = container_of(msg, struct control_job, msg);

	control_job_keep(job);
	job->then(job->req, &job->load);
	free(job);
}

void control_take(struct invocation *inv, struct control_load *ret_load)
{
	size_t len = inv->reply_len;

	if (len >= sizeof(ret_load->message))
		len = sizeof(ret_load->message) - 1;
	if (inv->reply.ptr)
		memcpy(ret_load->message, inv->reply.ptr + INVOKE_HEADROOM,
			len);
	ret_load->message[inv->reply.ptr ? len : 0] = '\0';
	bufpool_put(&inv->worker->pool, inv->reply);
	ret_load->end = ending_of_call(inv);
}

static void control_job_done(struct invocation *inv)
{
	struct control_job *job = container_of(inv, struct control_job, inv);

	control_take(inv, &job->load);
	job->msg.run = control_job_home;
	control_post(inv->worker->rt, &job->msg);
}

static void control_job_start(struct msg *msg)
{
	struct control_job *job = container_of(msg, struct control_job, msg);

	invoke_start(job->req->worker, &job->inv);
}

int control_load(
	struct control_req *req, struct function *fn, control_loaded_fn *then)
{
	struct control_job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	fn->version = registry_next_version(req->worker->rt->registry, fn->id);
	job->req = req;
	job->then = then;
	job->inv.fn = fn;
	job->inv.load_only = true;
	control_job_room(job);
	job->inv.done = control_job_done;
	job->msg.run = control_job_start;
	worker_post(req->worker, &job->msg);
	return 0;
}

/* Retired versions. -------------------------------------------------------- */

struct control_purge {
	struct msg msg;
	struct worker *worker;
	struct function *fn;
};

static void control_purge_home(struct msg *msg)
{
	struct control_purge *p = container_of(msg, struct control_purge, msg);

	function_put(p->fn);
	free(p);
}

static void control_purge_run(struct msg *msg)
{
	struct control_purge *p = container_of(msg, struct control_purge, msg);

	pool_purge(p->worker, p->fn);
	msg->run = control_purge_home;
	control_post(p->worker->rt, msg);
}

void control_retired(struct function *fn, void *arg)
{
	struct runtime *rt = arg;

	for (unsigned i = 0; i < rt->n_workers; i++) {
		struct control_purge *p = malloc(sizeof(*p));

		/* Without memory its warm isolates live out their time. */
		if (!p)
			return;
		function_get(fn);
		p->fn = fn;
		p->worker = &rt->workers[i];
		p->msg.run = control_purge_run;
		worker_post(p->worker, &p->msg);
	}
}
