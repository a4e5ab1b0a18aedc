/*
 * `gvisord run`: one function, one request, no sockets; the same walls as the
 * daemon's. Trusted side. The worker's loop below makes the one invocation and
 * stops the runtime.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/serve.h"
#include "daemon/start.h"
#include "net/outcomes.h"
#include "util/clock.h"
#include "util/escape.h"

enum {
	RUN_OK = 0,
	RUN_FUNCTION_ERROR = 1,
	RUN_USAGE = 2,
	RUN_TIMEOUT = 4,
	RUN_REFUSED = 7
};

struct once {
	struct runtime rt;
	struct function *fn;
	struct invocation inv;
	_Atomic bool done;
};

static int once_setup(struct worker *w, void *arg, int *ret_ring_fd)
{
	(void)w;
	(void)arg;
	*ret_ring_fd = -1;
	return 0;
}

static void once_done(struct invocation *inv)
{
	struct once *o = container_of(inv, struct once, inv);

	atomic_store(&o->done, true);
}

static void once_loop(struct worker *w, void *arg)
{
	struct once *o = arg;

	if (w->id != 0)
		return;
	invoke_start(w, &o->inv);
	while (!atomic_load(&o->done)) {
		w->now = clock_now();
		(void)worker_poll(w);
	}
	runtime_stop(&o->rt);
}

static int once_function(struct once *o, const struct config *cfg,
	const struct run_once_args *args, char *err, size_t size)
{
	struct function_options opt = {
		.tenant = "default",
		.name = "run",
		.engine = engine_by_name(args->language),
		.memory_bytes = (uint64_t)cfg->defaults.memory_mb << 20,
		.timeout_ns = cfg->defaults.timeout_ms * CLOCK_MS,
		.cpu_ns = cfg->defaults.cpu_ms * CLOCK_MS,
	};
	struct engine_code code = {
		.bytes = args->code,
		.len = args->code_len,
		.entry = args->entry,
	};
	struct engine_verdict verdict;
	int r;

	if (!opt.engine || strlen(args->entry) >= sizeof(opt.entry)) {
		snprintf(err, size,
			opt.engine ? "the entry name is too long"
				   : "unknown language");
		return -EINVAL;
	}
	if (!o->rt.hardware && !o->rt.opt.unsafe_native &&
		!opt.engine->memory_safe) {
		snprintf(err, size,
			"Isolation.Unavailable: native code needs memory "
			"protection keys, which this machine does not have; "
			"--unsafe-native runs it without any isolation");
		return -ENOTSUP;
	}
	if (!o->rt.hardware && !opt.engine->memory_safe)
		(void)fprintf(stderr,
			"gvisord: UNSAFE: native code runs without any "
			"isolation\n");
	code.system_calls = cfg->isolation.admit_system_calls;
	r = opt.engine->admit(&code, &verdict);
	free(verdict.refusals);
	if (r != 0) {
		snprintf(err, size, "Code.Rejected: %.480s",
			r < 0 ? strerror(-r) : verdict.reason);
		return -EINVAL;
	}
	strcpy(opt.entry, args->entry);
	o->fn = function_new(&opt, args->code, args->code_len, verdict.program);
	return o->fn ? 0 : -ENOMEM;
}

static int once_exit_code(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_OK:
		return RUN_OK;
	case OUTCOME_BAD_REQUEST:
		return RUN_USAGE;
	case OUTCOME_TIMEOUT:
	case OUTCOME_CPU_TIME:
		return RUN_TIMEOUT;
	default:
		return RUN_FUNCTION_ERROR;
	}
}

/* Both may be a tenant's text: nothing of it steers a terminal. */
static int once_print(const struct invocation *inv)
{
	const char *text =
		inv->reply.ptr ? inv->reply.ptr + INVOKE_HEADROOM : "";
	size_t len = inv->reply.ptr ? inv->reply_len : 0;

	if (inv->outcome == OUTCOME_OK) {
		if (isatty(STDOUT_FILENO))
			escape_terminal(stdout, text, len);
		else
			(void)fwrite(text, 1, len, stdout);
		(void)fputc('\n', stdout);
		return RUN_OK;
	}
	(void)fprintf(stderr, "%s: ", outcome_code(inv->outcome));
	escape_terminal(stderr, text, len);
	(void)fputc('\n', stderr);
	return once_exit_code(inv->outcome);
}

int run_once(const struct config *cfg, const struct run_once_args *args)
{
	static struct once o;
	static const struct worker_loop loop = {
		.setup = once_setup,
		.loop = once_loop,
		.arg = &o,
	};
	struct config one = *cfg;
	char err[512] = "";

	one.workers = 1;
	if (start_runtime(&o.rt, &one, err, sizeof(err)) < 0 ||
		once_function(&o, &one, args, err, sizeof(err)) < 0)
		goto refused;
	o.inv.fn = o.fn;
	o.inv.req = args->request;
	o.inv.req_len = args->request_len;
	o.inv.done = once_done;
	if (runtime_start(&o.rt, &loop, err, sizeof(err)) < 0)
		goto refused;
	runtime_control(&o.rt);
	runtime_fini(&o.rt);
	return once_print(&o.inv);
refused:
	(void)fprintf(stderr, "gvisord: cannot run %s: %s\n", args->path, err);
	return RUN_REFUSED;
}
