#pragma once
/*
 * What can go wrong, as clients see it: a Class.Reason code, a status, a title,
 * and the application/problem+json body that says so. Any trusted thread; no
 * malloc.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

enum problem {
	PROBLEM_REQUEST_INVALID,
	PROBLEM_REQUEST_BAD_JSON,
	PROBLEM_AUTH_REQUIRED,
	PROBLEM_AUTH_DENIED,
	PROBLEM_REQUEST_NOT_FOUND, /* no such path */
	PROBLEM_FUNCTION_NOT_FOUND,
	PROBLEM_INVOCATION_NOT_FOUND,
	PROBLEM_REQUEST_METHOD,	 /* not with this path */
	PROBLEM_REQUEST_TIMEOUT, /* it did not come in time */
	PROBLEM_FUNCTION_EXISTS,
	PROBLEM_FUNCTION_DRAINING,
	PROBLEM_REQUEST_TOO_LARGE,
	PROBLEM_REQUEST_UNSUPPORTED_TYPE,
	PROBLEM_CODE_LOAD_FAILED,
	PROBLEM_CODE_ENTRY_MISSING,
	PROBLEM_CODE_REJECTED,
	PROBLEM_LIMIT_CONCURRENCY,
	PROBLEM_LIMIT_RATE,
	PROBLEM_LIMIT_QUEUE_FULL,
	PROBLEM_LIMIT_QUEUE_WAIT,
	PROBLEM_LIMIT_MEMORY,
	PROBLEM_LIMIT_CPU,
	PROBLEM_LIMIT_FUNCTIONS,
	PROBLEM_LIMIT_CONNECTIONS,
	PROBLEM_DAEMON_INTERNAL,
	PROBLEM_FUNCTION_ERROR,
	PROBLEM_FUNCTION_CRASHED,
	PROBLEM_FUNCTION_OUT_OF_MEMORY,
	PROBLEM_FUNCTION_RESPONSE_TOO_LARGE,
	PROBLEM_FUNCTION_RESPONSE_INVALID,
	PROBLEM_SANDBOX_MEMORY_VIOLATION,
	PROBLEM_SANDBOX_SYSCALL_DENIED,
	PROBLEM_DAEMON_DRAINING,
	PROBLEM_DAEMON_NOT_READY,
	PROBLEM_ISOLATION_UNAVAILABLE,
	PROBLEM_SANDBOX_TIMEOUT,
	PROBLEM_SANDBOX_CPU_TIME,
	PROBLEM_COUNT,
};

#define PROBLEM_MEDIA_TYPE "application/problem+json"

/* "Function.OutOfMemory" */
const char *problem_code(enum problem p);
int problem_status(enum problem p);
const char *problem_title(enum problem p);
/* For what http_parse() refused. */
enum problem problem_of_status(int status);

/* Everything but `problem` may be left out. Strings may be hostile bytes. */
struct problem_info {
	enum problem problem;
	int status;	    /* 0: the problem's own */
	const char *detail; /* detail_len bytes, no NUL needed */
	size_t detail_len;
	const char *invocation;
	const char *function;	/* "tenant/name" */
	const char *limit;	/* name of the limit that was met ... */
	uint64_t limit_value;	/* ... its value, or */
	const char *limit_text; /* as a text, */
	const char *limit_set;	/* and where it is set */
	uint64_t retry_s;	/* Retry-After; 0: 1 */
	bool retry_never;	/* none: it can't succeed */
	const char *hint;
};

enum {
	PROBLEM_DETAIL_MAX = 1024, /* longer ones are cut */
	/* A buffer of this size holds any problem's body. */
	PROBLEM_BODY_MAX = 32768,
};

void problem_body(struct buf *b, const struct problem_info *info);
/* The header line Retry-After, if it is worth trying again. */
void problem_retry(struct buf *headers, const struct problem_info *info);
