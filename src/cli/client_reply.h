#pragma once
/*
 * Reading one HTTP reply off a connection. Bytes come through a callback, so
 * that the parser neither waits nor watches the clock: client.c does that, and
 * tests feed it strings.
 */
#include "cli/client.h"

/* Reads 1..size bytes; *ret_n 0: end of stream. 0, a client_e with err
 * written, or -errno. */
typedef int client_more_fn(void *arg, void *buf, size_t size,
	struct client_error *err, size_t *ret_n);

/* As client_call(). */
int client_reply_read(client_more_fn *more, void *arg, struct client_error *err,
	struct client_response *ret_res);

__attribute__((format(printf, 3, 4))) int client_fail(
	struct client_error *err, enum client_e e, const char *fmt, ...);
