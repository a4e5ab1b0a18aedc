#pragma once
/*
 * What the command line starts: the daemon, or one invocation without it.
 * Both take a checked configuration and own the process until they return;
 * both return the exit code of the process (src/cli/cli.h, enum cli_exit).
 */
#include <stddef.h>

struct config;

/* One function, one request. Bytes stay the caller's. Budgets are
 * cfg->defaults. */
struct run_once_args {
	const char *path; /* of the code, for messages */
	const void *code;
	size_t code_len;
	const char *language;
	const char *entry;
	const void *request; /* JSON */
	size_t request_len;
};

/* Serves until SIGTERM has drained it. 0, or 7 with the reason on stderr. */
int serve_main(const struct config *cfg);
/* The reply on stdout and 0; else the reason on stderr: 1 the function failed,
 * 2 the request is no JSON, 4 timeout, 7 refused. */
int run_once(const struct config *cfg, const struct run_once_args *args);
