/*
 * From configuration to a runtime that is initialised and not yet started.
 * Trusted side, first thread.
 */
#include "daemon/start.h"

#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"
#include "engine/engine.h"
#include "engine/layout.h"
#include "sandbox/jail.h"
#include "util/clock.h"
#include "util/log.h"

/* Address space for one worker's buffers; pages come with use. */
#define BUFFER_BYTES ((size_t)1 << 30)
/* Descriptors besides those of clients. */
#define FILES_SPARE 64

static void start_log(const struct config *cfg)
{
	struct log_config log = {
		.level = (enum log_level)cfg->log.level,
		.json = cfg->log.format == CONFIG_LOG_JSON,
		.journal = log_is_journal(STDERR_FILENO),
		.fd = STDERR_FILENO,
	};

	log_configure(&log);
}

static void start_files(const struct config *cfg, rlim_t files)
{
	rlim_t want = (rlim_t)cfg->limits.connections + FILES_SPARE;

	if (files >= want)
		return;
	log_warn("not all of limits.connections fit into the limit on open "
		 "files",
		LOG_U64("files", files),
		LOG_U64("connections", cfg->limits.connections),
		LOG_STR("fix", "ulimit -n 1048576, LimitNOFILE=1048576 in the "
			       "unit, or a smaller limits.connections"));
}

/* What is given up before anything else is done. */
static int start_jail(const struct config *cfg, char *err, size_t size)
{
	static const struct {
		const char *what;
		int (*give_up)(void);
	} steps[] = {
		{"clearing the environment", jail_env},
		{"no_new_privs", jail_no_new_privs},
		{"core dumps", jail_no_core},
		{"dumping", jail_no_dump},
		{"rseq", jail_rseq_unregister},
	};
	rlim_t files;

	jail_umask();
	/* A quarter is for clients alone, whatever is deployed. */
	if (jail_raise_nofile(&files) == 0 && files <= INT_MAX) {
		layout_set_files((int)(files - files / 4));
		start_files(cfg, files);
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		int r = steps[i].give_up();

		if (r < 0) {
			snprintf(err, size, "%s: %s", steps[i].what,
				strerror(-r));
			return r;
		}
	}
	return 0;
}

static void start_tenants(const struct config *cfg, struct tenant_options *to)
{
	_Static_assert(CONFIG_TENANTS_MAX == TENANTS_MAX, "as many");
	for (size_t i = 0; i < cfg->n_tenants; i++) {
		const struct config_tenant *t = &cfg->tenants[i];

		to[i] = (struct tenant_options){
			.concurrency = t->concurrency,
			.rate_calls = t->rate_calls,
			.rate_seconds = t->rate_seconds,
			.memory_bytes = (uint64_t)t->memory_mb << 20,
			.cpu_percent = t->cpu_percent,
		};
		_Static_assert(
			sizeof(to->name) >= sizeof(t->name), "room for it");
		(void)strcpy(to[i].name, t->name);
	}
}

int start_runtime(
	struct runtime *rt, const struct config *cfg, char *err, size_t size)
{
	static struct tenant_options tenants[CONFIG_TENANTS_MAX];
	struct runtime_options opt = {
		.isolation = (enum runtime_isolation)cfg->isolation.mode,
		.require_mpk = cfg->isolation.require_mpk,
		.unsafe_native = cfg->isolation.unsafe_native,
		.key_policy = (enum mux_kind)cfg->isolation.key_policy,
		.workers = cfg->workers,
		.max_isolates = cfg->limits.isolates,
		.max_functions = cfg->limits.functions,
		.max_request = cfg->limits.request_bytes,
		.max_response = cfg->limits.response_bytes,
		.max_code = cfg->limits.code_bytes,
		.max_log = cfg->limits.log_bytes,
		.buffer_bytes = BUFFER_BYTES,
		.max_queue = cfg->limits.queue,
		.queue_wait_ns = cfg->limits.queue_wait_ms * CLOCK_MS,
		.grace_ns = cfg->drain.grace_ms * CLOCK_MS,
		.total_memory = (uint64_t)cfg->limits.total_memory_mb << 20,
		.resident = (uint64_t)cfg->limits.resident_mb << 20,
		.tenants = tenants,
		.n_tenants = cfg->n_tenants,
	};
	int r;

	start_tenants(cfg, tenants);

	/* Whatever MALLOC_ARENA_MAX says: a worker that frees its filter's text
	 * may not wait for a lock any more. */
	(void)mallopt(M_ARENA_MAX, GATE_MAX_THREADS);
	(void)signal(SIGPIPE, SIG_IGN);
	/* A log file at its size limit is no reason to die. */
	(void)signal(SIGXFSZ, SIG_IGN);
	start_log(cfg);
	r = start_jail(cfg, err, size);
	return r < 0 ? r : runtime_init(rt, &opt, err, size);
}
