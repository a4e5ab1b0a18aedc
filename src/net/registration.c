/* From code to a published function (control thread): see registration.h. */
#include "net/registration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/runtime.h"
#include "engine/program.h"
#include "net/exchange.h"
#include "net/outcomes.h"
#include "net/rest_json.h"
#include "util/escape.h"
#include "util/log.h"

struct registration *registration_new(const struct server *s)
{
	struct registration *reg = calloc(1, sizeof(*reg));

	if (!reg)
		return NULL;
	reg->opt = (struct function_options){
		.entry = "handler",
		.memory_bytes = s->opt.default_memory_bytes,
		.timeout_ns = s->opt.default_timeout_ns,
		.idle_ttl_ns = (int64_t)s->opt.default_idle_ttl_ns,
		.max_concurrency = s->opt.default_concurrency,
		.max_rate = s->opt.default_rate,
		.cpu_ns = s->opt.default_cpu_ns,
		.contexts = s->opt.default_contexts,
	};
	return reg;
}

struct registration *registration_free(struct registration *reg)
{
	if (reg)
		free(reg->refusals);
	free(reg);
	return NULL;
}

static bool name_take(char to[INSIDE_NAME_MAX], const char *what,
	struct slice name, struct buf *err)
{
	if (!str_is_name(name)) {
		buf_add_str(err, what);
		buf_add_lit(err, " \"");
		escape_json(
			err, name.ptr, escape_prefix(name.ptr, name.len, 64));
		buf_add_lit(err,
			"\" must be 1 to 63 of a-z 0-9 . _ - and begin with "
			"a letter or digit");
		return false;
	}
	memcpy(to, name.ptr, name.len);
	to[name.len] = '\0';
	return true;
}

bool registration_name(struct registration *reg, struct slice tenant,
	struct slice name, struct buf *err)
{
	return name_take(reg->opt.tenant, "tenant", tenant, err) &&
	       name_take(reg->opt.name, "name", name, err);
}

bool registration_entry(
	struct registration *reg, struct slice entry, struct buf *err)
{
	bool ok = entry.len > 0 && entry.len < sizeof(reg->opt.entry);

	for (size_t i = 0; ok && i < entry.len; i++) {
		char c = str_lower(entry.ptr[i]);

		ok = (c >= 'a' && c <= 'z') || c == '_' || c == '.' ||
		     (c >= '0' && c <= '9');
	}
	if (!ok) {
		buf_add_lit(err,
			"\"entry\" must be 1 to 63 letters, digits, _ or .");
		return false;
	}
	memcpy(reg->opt.entry, entry.ptr, entry.len);
	reg->opt.entry[entry.len] = '\0';
	return true;
}

static void finish(struct control_req *req, struct registration *reg)
{
	reg->done(req, reg);
	registration_free(reg);
}

static void failed_info(struct control_req *req, struct registration *reg,
	struct problem_info *info, const char *detail)
{
	if (reg->fn)
		function_put(reg->fn);
	reg->fn = NULL;
	info->detail = detail;
	info->detail_len = strlen(detail);
	reg->result = REGISTRATION_FAILED;
	reg->failure = info;
	finish(req, reg);
}

static void failed(struct control_req *req, struct registration *reg,
	enum problem problem, const char *detail)
{
	struct problem_info info = {.problem = problem};

	failed_info(req, reg, &info, detail);
}

/* What is there already is this very code: the answer is that version. */
static void same(struct control_req *req, struct registration *reg)
{
	struct registry *r = rest_exchange(req)->server->rt->registry;
	struct function *fn = reg->fn;

	reg->fn = registry_find(r, fn->id, strlen(fn->id));
	reg->result = REGISTRATION_SAME;
	function_put(fn);
	finish(req, reg);
}

static void publish(struct control_req *req, struct registration *reg)
{
	struct runtime *rt = rest_exchange(req)->server->rt;
	struct function *fn = reg->fn;
	bool replaced = false;
	int r;

	/* publish() takes our reference; done() still looks at fn. */
	function_get(fn);
	r = registry_publish(rt->registry, fn, &replaced);
	if (r == 0) {
		reg->result =
			replaced ? REGISTRATION_REPLACED : REGISTRATION_NEW;
		log_info("function registered", LOG_STR("fn", fn->id),
			LOG_U64("version", fn->version),
			LOG_STR("digest", fn->digest));
		if (!rt->hardware && !fn->opt.engine->memory_safe)
			log_warn("UNSAFE: nothing keeps this native function "
				 "from anything",
				LOG_STR("fn", fn->id));
		finish(req, reg);
		function_put(fn);
		return;
	}
	function_put(fn);
	registry_discard(rt->registry, fn);
	if (r == REGISTRY_E_FULL) {
		failed(req, reg, PROBLEM_LIMIT_FUNCTIONS,
			"no room for another function (limits.functions)");
	} else if (r == REGISTRY_E_SAME) {
		same(req, reg);
	} else {
		failed(req, reg, PROBLEM_DAEMON_INTERNAL, strerror(-r));
	}
}

static void loaded(struct control_req *req, const struct control_load *load)
{
	struct registration *reg = req->state;
	struct outcome_room room;
	struct problem_info info;

	if (load->end.outcome == OUTCOME_OK) {
		publish(req, reg);
		return;
	}
	info = outcome_info(
		rest_exchange(req)->server->rt, reg->fn, &load->end, &room);
	failed_info(req, reg, &info,
		load->message[0] ? load->message : "the code did not load");
}

/* Without hardware keys only memory-safe engines are inside a wall. */
static bool engine_allowed(struct control_req *req, struct registration *reg)
{
	struct runtime *rt = rest_exchange(req)->server->rt;

	return rt->hardware || rt->opt.unsafe_native ||
	       reg->opt.engine->memory_safe;
}

/* The default is for those that can have them. */
static bool contexts_allowed(struct registration *reg)
{
	if (reg->opt.engine->contexts)
		return true;
	if (!reg->contexts_given)
		reg->opt.contexts = 0;
	return reg->opt.contexts == 0;
}

/* Looks at the code and makes the function. False: failed, and said so. */
static bool admitted(struct control_req *req, struct registration *reg,
	const void *bytes, size_t len)
{
	const struct engine_code code = {
		.bytes = bytes,
		.len = len,
		.entry = reg->opt.entry,
		.system_calls =
			rest_exchange(req)->server->opt.admit_system_calls,
	};
	struct engine_verdict verdict;
	int r = reg->opt.engine->admit(&code, &verdict);

	reg->refusals = verdict.refusals;
	if (r == -EMFILE) {
		failed(req, reg, PROBLEM_LIMIT_FUNCTIONS,
			"native functions have all the descriptors that they "
			"may have; start the daemon with a higher limit: "
			"ulimit -n 1048576, LimitNOFILE=1048576 in the unit");
		return false;
	}
	if (r != 0) {
		failed(req, reg,
			r > 0 ? PROBLEM_CODE_REJECTED : PROBLEM_DAEMON_INTERNAL,
			r > 0 ? verdict.reason : strerror(-r));
		return false;
	}
	reg->fn = function_new(&reg->opt, bytes, len, verdict.program);
	if (reg->fn)
		return true;
	(void)program_free(verdict.program);
	failed(req, reg, PROBLEM_DAEMON_INTERNAL, "out of memory");
	return false;
}

void registration_start(struct control_req *req, struct registration *reg,
	const void *code, size_t code_len)
{
	int r;

	reg->opt.owner = tenants_find(
		&rest_exchange(req)->server->rt->tenants, reg->opt.tenant);
	if (!contexts_allowed(reg)) {
		failed(req, reg, PROBLEM_REQUEST_INVALID,
			"\"contexts\" must be 0 for native code: each of its "
			"isolates has one");
		return;
	}
	if (!engine_allowed(req, reg)) {
		failed(req, reg, PROBLEM_ISOLATION_UNAVAILABLE,
			"native code needs memory protection keys, which "
			"this machine does not have; `gvisord serve "
			"--unsafe-native` runs it without any isolation");
		return;
	}
	if (code_len == 0) {
		failed(req, reg, PROBLEM_REQUEST_INVALID, "the code is empty");
		return;
	}
	if (!admitted(req, reg, code, code_len))
		return;
	if (registry_has(rest_exchange(req)->server->rt->registry, reg->fn)) {
		same(req, reg);
		return;
	}
	req->state = reg;
	r = control_load(req, reg->fn, loaded);
	if (r < 0)
		failed(req, reg, PROBLEM_DAEMON_INTERNAL, strerror(-r));
}
