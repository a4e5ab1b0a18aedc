/*
 * Isolates made ready ahead of calls: POST .../warm (control thread). The body
 * is hostile.
 */
#include <errno.h>
#include <string.h>

#include "core/runtime.h"
#include "core/warm.h"
#include "net/outcomes.h"
#include "net/rest_json.h"
#include "net/routes.h"
#include "net/server.h"

enum {
	WARM_MAX = 1000000, /* more than any daemon has */
};

static void warmed(struct control_req *req, const struct control_warmed *w)
{
	const struct control_load *load = &w->load;
	struct outcome_room room;
	struct problem_info info;

	if (load->end.outcome == OUTCOME_OK) {
		rest_reply_json(req, 200,
			json_pack("{s:I, s:I}", "isolates",
				(json_int_t)(w->idle + w->made), "made",
				(json_int_t)w->made));
		return;
	}
	info = outcome_info(
		rest_exchange(req)->server->rt, w->fn, &load->end, &room);
	info.detail_len = strlen(load->message);
	info.detail = info.detail_len ? load->message : NULL;
	rest_reply_info(req, &info, NULL);
}

/* How many; false: err says what is wrong with the body. */
static bool wanted(struct exchange *x, uint64_t *ret_n, enum problem *ret_p,
	struct buf *err)
{
	struct rest_field f[] = {
		{"isolates", .number = ret_n, .min = 1, .max = WARM_MAX}};
	json_t *object;
	bool ok;

	*ret_n = 1;
	*ret_p = PROBLEM_REQUEST_BAD_JSON;
	if (x->body_len == 0)
		return true;
	object = rest_read_object(x, err);
	if (!object)
		return false;
	*ret_p = PROBLEM_REQUEST_INVALID;
	ok = rest_read_fields(object, f, 1, err);
	json_decref(object);
	return ok;
}

static void warm(struct control_req *req, struct function *fn, size_t n)
{
	if (fn->opt.idle_ttl_ns == 0)
		rest_reply_problem(req, PROBLEM_REQUEST_INVALID,
			"the function's \"idle_ttl_ms\" is 0: none of its "
			"isolates is kept");
	else if (control_warm(req, fn, n, warmed) != 0)
		rest_reply_problem(
			req, PROBLEM_DAEMON_INTERNAL, strerror(ENOMEM));
}

void rest_function_warm(struct control_req *req)
{
	struct exchange *x = rest_exchange(req);
	struct function *fn;
	char err_mem[512];
	struct buf err;
	enum problem p;
	uint64_t n;

	buf_init(&err, err_mem, sizeof(err_mem));
	if (!rest_no_query(req))
		return;
	if (!wanted(x, &n, &p, &err)) {
		rest_reply_error(req, p, &err);
		return;
	}
	fn = registry_find(x->server->rt->registry, x->id, x->id_len);
	if (fn)
		warm(req, fn, n);
	else
		rest_reply_not_found(req);
}
