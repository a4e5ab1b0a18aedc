#pragma once
/*
 * A daemon to test, and HTTP to it: raw sockets, one connection per client, no
 * help from the product. Test side; a failure that is no finding ends the
 * program.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	DAEMON_TASKS = 64,
	REPLY_BYTES = 64 << 10,
};

struct daemon {
	pid_t pid;
	char dir[64];
	char socket[96];
	uid_t uid;
	pid_t task[DAEMON_TASKS]; /* at the start, ascending */
	unsigned n_tasks;
};

/* What can run out. */
struct daemon_use {
	unsigned fds;
	unsigned tasks;
	unsigned maps;
	uint64_t rss; /* bytes */
};

struct reply {
	int status; /* 0: none came, the connection is gone */
	size_t len;
	char body[REPLY_BYTES + 1]; /* NUL-terminated */
	char code[64];		    /* of a problem, else "" */
};

struct body {
	const void *bytes;
	size_t len;
};

struct client {
	const struct daemon *daemon;
	int fd; /* -1: none now, the next request makes one */
	unsigned patience_ms;
};

/* argv[0] is the program; " serve --socket ..." and more follow it. Waits until
 * it is ready, then notes its threads. */
void daemon_start(
	struct daemon *d, const char *program, const char *const more[]);
/* The same, not as root. */
void daemon_start_as(struct daemon *d, uid_t uid, const char *program,
	const char *const more[]);
/* The same; false: it refused to start. */
bool daemon_try(
	struct daemon *d, const char *program, const char *const more[]);
/* SIGTERM; true: it ended with 0, before long. */
bool daemon_stop(struct daemon *d);
/* SIGKILL; its status of wait(2). */
int daemon_kill(struct daemon *d);
/* Its status of wait(2) if it ended by itself within so long, else 0. */
int daemon_died(struct daemon *d, unsigned ms);
/* It is the process it was, with the threads it had. */
bool daemon_same(const struct daemon *d);
/* It has a mapping with this in its name. */
bool daemon_maps(const struct daemon *d, const char *name);
/* How many mappings have this in their line of /proc/PID/maps. */
unsigned daemon_count_maps(const struct daemon *d, const char *name);
/* How many descriptors are files with this in their names. */
unsigned daemon_files(const struct daemon *d, const char *name);
void daemon_use(const struct daemon *d, struct daemon_use *ret_use);
/* True when the line that begins with `name` in /proc/PID/<file> has `want`. */
bool daemon_says(const struct daemon *d, const char *file, const char *name,
	const char *want);

void client_init(struct client *c, const struct daemon *d);
void client_fini(struct client *c);
/* How long this client waits for a reply. */
void client_patience(struct client *c, unsigned ms);
/* One request and its reply. headers: lines with CRLF, or "". */
void client_send_bytes(struct client *c, const char *start, const char *headers,
	const struct body *body, struct reply *ret_reply);
void client_send(struct client *c, const char *start, const char *headers,
	const char *body, struct reply *ret_reply);
/* PUT of a function "name" of the default tenant, or "tenant/name"; options:
 * "?timeout_ms=50" or "". */
void client_put(struct client *c, const char *name, const char *type,
	const struct body *code, const char *options, struct reply *ret_reply);
void client_delete(struct client *c, const char *name, struct reply *ret_reply);
/* PUT of a text; its status. */
int client_deploy(struct client *c, const char *name, const char *type,
	const char *code, const char *options);
/* POST of an invocation. */
void client_invoke(struct client *c, const char *name, const char *body,
	struct reply *ret_reply);
/* Value of a number in a flat JSON text: after "key": . -1: not there. */
int64_t reply_number(const struct reply *r, const char *key);
