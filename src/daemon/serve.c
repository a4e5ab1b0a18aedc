/*
 * `gvisord serve`: the daemon from its configuration to its end. Trusted side,
 * first thread; it becomes the control thread.
 */
#include "daemon/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/config.h"
#include "daemon/start.h"
#include "net/server.h"
#include "sandbox/jail.h"
#include "util/clock.h"
#include "util/log.h"

enum {
	SERVE_OK = 0,
	SERVE_REFUSED = 7,
	TOKEN_MAX = 512
};

static void server_knobs(const struct config *cfg, struct server_options *opt)
{
	*opt = (struct server_options){
		.admit_system_calls = cfg->isolation.admit_system_calls,
		.max_connections = cfg->limits.connections,
		.max_request = cfg->limits.request_bytes,
		.max_code = cfg->limits.code_bytes,
		.header_ns = cfg->timeouts.header_ms * CLOCK_MS,
		.body_ns = cfg->timeouts.body_ms * CLOCK_MS,
		.idle_ns = cfg->timeouts.idle_ms * CLOCK_MS,
		.send_ns = cfg->timeouts.send_ms * CLOCK_MS,
		.default_memory_bytes = (uint64_t)cfg->defaults.memory_mb << 20,
		.default_timeout_ns = cfg->defaults.timeout_ms * CLOCK_MS,
		.default_idle_ttl_ns = cfg->defaults.idle_ttl_ms * CLOCK_MS,
		.default_cpu_ns = cfg->defaults.cpu_ms * CLOCK_MS,
		.default_concurrency = cfg->defaults.max_concurrency,
		.default_rate = cfg->defaults.max_rate,
		.default_contexts = cfg->defaults.contexts,
		.max_memory_bytes = (uint64_t)cfg->limits.memory_mb << 20,
		.max_timeout_ns = cfg->limits.timeout_ms * CLOCK_MS,
		.max_idle_ttl_ns = cfg->limits.idle_ttl_ms * CLOCK_MS,
	};
	opt->socket = *cfg->listen.socket ? cfg->listen.socket : NULL;
	opt->tcp[0] = *cfg->listen.tcp ? cfg->listen.tcp : NULL;
}

/* The first line of the token file; NULL with a message when there is none. */
static char *read_token(const char *path, char *err, size_t size)
{
	char line[TOKEN_MAX];
	FILE *f = fopen(path, "re");

	if (!f || !fgets(line, sizeof(line), f)) {
		snprintf(err, size, "no admin token in %s", path);
		if (f)
			(void)fclose(f);
		return NULL;
	}
	(void)fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	if (*line)
		return strdup(line);
	snprintf(err, size, "the first line of %s is empty", path);
	return NULL;
}

static void say_ready(const struct runtime *rt, const struct config *cfg)
{
	uint64_t us = (clock_now() - rt->started) / 1000;

	if (rt->why_software)
		log_warn("no hardware isolation: functions are kept apart by "
			 "their language alone",
			LOG_STR("why", rt->why_software));
	if (!rt->hardware && rt->opt.unsafe_native)
		log_warn("UNSAFE: native functions run without any isolation; "
			 "whoever may register one owns this process");
	log_info("ready",
		LOG_STR("isolation", rt->hardware ? "mpk" : "software"),
		LOG_U64("workers", rt->n_workers),
		LOG_STR("socket", cfg->listen.socket),
		LOG_STR("tcp", cfg->listen.tcp), LOG_U64("start_us", us));
}

static bool is_ignored(int sig)
{
	struct sigaction sa;

	return sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

static int serve_run(struct runtime *rt, struct server *server,
	const struct config *cfg, char *err, size_t size)
{
	int r = server_listen(server, err, size);

	if (r == 0)
		r = runtime_stop_on(rt, SIGTERM);
	if (r == 0)
		r = runtime_stop_on(rt, SIGINT);
	/* A closed terminal ends it as well; under nohup it does not. */
	if (r == 0 && !is_ignored(SIGHUP))
		r = runtime_stop_on(rt, SIGHUP);
	if (r == 0)
		r = runtime_start(rt, &server->loop, err, size);
	if (r < 0) {
		server_unlisten(server);
		return r;
	}
	say_ready(rt, cfg);
	runtime_control(rt);
	server_unlisten(server);
	log_info("stopped");
	runtime_fini(rt);
	return 0;
}

int serve_main(const struct config *cfg)
{
	static struct runtime rt;
	static struct server server;
	struct server_options opt;
	char err[512] = "";
	AUTO_FREE char *token = NULL;

	server_knobs(cfg, &opt);
	if (*cfg->listen.admin_token_file) {
		token = read_token(
			cfg->listen.admin_token_file, err, sizeof(err));
		opt.admin_token = token;
		if (!token)
			goto refused;
	}
	server_options_init(&opt);
	if (start_runtime(&rt, cfg, err, sizeof(err)) < 0)
		goto refused;
	if (server_init(&server, &rt, &opt) < 0) {
		snprintf(err, sizeof(err), "not enough memory for the server");
		goto refused;
	}
	if (serve_run(&rt, &server, cfg, err, sizeof(err)) < 0)
		goto refused;
	return SERVE_OK;
refused:
	(void)fprintf(stderr, "gvisord: cannot serve: %s\n", err);
	return SERVE_REFUSED;
}
