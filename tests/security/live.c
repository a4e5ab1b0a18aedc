/* See live.h. */
#include "tests/security/live.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/probe/attacker.h"
#include "tests/security/attack.h"

enum {
	DEED_MAX = 512
};

const char live_hurt[] = "Sandbox.MemoryViolation";
const char live_denied[] = "Sandbox.SyscallDenied";
const char live_crashed[] = "Function.Crashed";
const char live_timeout[] = "Sandbox.Timeout";
const char live_nomem[] = "Function.OutOfMemory";
const char live_error[] = "Function.Error";

/* The file NAME next to the daemon's. */
static const char *beside(const char *name)
{
	static char path[512];
	const char *slash = strrchr(attack_daemon, '/');
	int dir = slash ? (int)(slash + 1 - attack_daemon) : 0;

	(void)snprintf(path, sizeof(path), "%.*s%s", dir, attack_daemon, name);
	return path;
}

unsigned char *live_file(const char *name, size_t *ret_len)
{
	return symbols_file(beside(name), ret_len);
}

/* An attacker has the binary, and is told where it is loaded. */
static void arm(struct live *l, const char *file)
{
	unsigned char *at = live_file(file, &l->attacker.len);
	struct attacker *mine = NULL;

	if (at)
		mine = memmem(at, l->attacker.len, ATTACKER_MARK,
			sizeof(ATTACKER_MARK));
	if (!mine) {
		attack_say("there is no %s", beside(file));
		return;
	}
	mine->hostcall = live_where(l, "gate_hostcall");
	mine->spin = live_where(l, "probe_spin");
	l->attacker.bytes = at;
}

static size_t options_of(const struct live_options *opt, const char **more)
{
	static char without[128];
	size_t n = 0;

	more[n++] = "--set";
	more[n++] = "log.level=error";
	more[n++] = "--isolation";
	more[n++] = opt->unsafe ? "software" : opt->mode ? opt->mode : "mpk";
	if (opt->unsafe)
		more[n++] = "--unsafe-native";
	if (opt->set) {
		more[n++] = "--set";
		more[n++] = opt->set;
	}
	if (opt->calls) {
		more[n++] = "--set";
		more[n++] = "isolation.admit_system_calls=true";
	}
	if (opt->without) {
		(void)snprintf(
			without, sizeof(without), "--without=%s", opt->without);
		more[n++] = without;
	}
	more[n] = NULL;
	return n;
}

void live_start(struct live *l, const struct live_options *opt)
{
	static const struct live_options usual;
	const char *more[16];
	static char limits[64];

	if (!opt)
		opt = &usual;
	(void)options_of(opt, more);
	daemon_start_as(&l->daemon, opt->uid, attack_daemon, more);
	client_init(&l->client, &l->daemon);
	l->native = opt->unsafe || strcmp(more[3], "mpk") == 0;
	if (!symbols_open(&l->symbols, attack_daemon))
		attack_say("the daemon's symbols can't be read");
	l->base = symbols_base(l->daemon.pid, attack_daemon);
	arm(l, opt->calls ? "caller.so" : "attacker.so");
	(void)snprintf(limits, sizeof(limits), "?timeout_ms=%d&memory_mb=%d",
		LIVE_TIMEOUT_MS, LIVE_MEMORY_MB);
	if (!live_probe(l, "neighbour", "x", "") ||
		!live_probe(l, "attacker", "x", limits)) {
		attack_say("the attackers could not be deployed");
		live_say(l);
	}
}

uint64_t live_where(const struct live *l, const char *symbol)
{
	uint64_t at = symbols_find(&l->symbols, symbol);

	if (at == 0)
		attack_say("there is no symbol %s", symbol);
	return at ? l->base + at : 0;
}

bool live_stop(struct live *l)
{
	client_fini(&l->client);
	return daemon_stop(&l->daemon);
}

void live_say(const struct live *l)
{
	attack_say("status %d: %.300s", l->reply.status, l->reply.body);
}

bool live_is(const struct live *l, const char *code)
{
	return strcmp(l->reply.code, code) == 0 &&
	       l->reply.status == (code == live_timeout ? 504 : 502);
}

bool live_well(struct live *l)
{
	struct reply *r = &l->reply;
	bool good;

	client_invoke(&l->client, "neighbour", "echo how are you", r);
	good = r->status == 200 && strcmp(r->body, "how are you") == 0;
	client_invoke(&l->client, "neighbour", "check", r);
	return good && r->status == 200 && strcmp(r->body, "whole") == 0 &&
	       daemon_same(&l->daemon);
}

__attribute__((format(printf, 3, 0))) static void do_v(
	struct live *l, const char *function, const char *deed, va_list ap)
{
	char text[DEED_MAX];

	(void)vsnprintf(text, sizeof(text), deed, ap);
	client_invoke(&l->client, function, text, &l->reply);
}

void live_do(struct live *l, const char *function, const char *deed, ...)
{
	va_list ap;

	va_start(ap, deed);
	do_v(l, function, deed, ap);
	va_end(ap);
}

uint64_t live_ask(struct live *l, const char *function, const char *deed, ...)
{
	va_list ap;

	va_start(ap, deed);
	do_v(l, function, deed, ap);
	va_end(ap);
	return l->reply.status == 200 ? strtoull(l->reply.body, NULL, 16) : 0;
}

struct body live_planned(const struct live *l, const char *plan)
{
	struct body copy = {.len = l->attacker.len};
	char *bytes = malloc(copy.len);
	struct attacker *mine;

	if (!bytes || !l->attacker.bytes)
		abort();
	(void)memcpy(bytes, l->attacker.bytes, copy.len);
	mine = memmem(bytes, copy.len, ATTACKER_MARK, sizeof(ATTACKER_MARK));
	(void)snprintf(mine->plan, sizeof(mine->plan), "%s",
		strcmp(plan, "x") == 0 ? "" : plan);
	copy.bytes = bytes;
	return copy;
}

int live_object(struct live *l, const char *name, const struct body *object,
	const char *options)
{
	client_put(&l->client, name, "application/x-sharedlib", object, options,
		&l->reply);
	return l->reply.status;
}

bool live_probe(
	struct live *l, const char *name, const char *code, const char *options)
{
	struct body body = {code, strlen(code)};

	if (!l->native) {
		client_put(&l->client, name, "text/x-faulty", &body, options,
			&l->reply);
		return l->reply.status == 201;
	}
	body = live_planned(l, code);
	(void)live_object(l, name, &body, options);
	free((void *)body.bytes);
	return l->reply.status == 201;
}

int live_lua(struct live *l, const char *name, const char *source,
	const char *options)
{
	const struct body body = {source, strlen(source)};

	client_put(&l->client, name, "text/x-lua", &body, options, &l->reply);
	return l->reply.status;
}

bool live_refused(struct live *l, const char *code, const char *name,
	const char *deed, ...)
{
	struct reply *r = &l->reply;
	char first[400];
	bool good;
	va_list ap;

	va_start(ap, deed);
	do_v(l, "attacker", deed, ap);
	va_end(ap);
	good = live_is(l, code);
	(void)snprintf(
		first, sizeof(first), "status %d: %.300s", r->status, r->body);
	if (attack_held(live_well(l) && good, "%s: %s, the neighbour whole",
		    name, code))
		return true;
	attack_say("%s", first);
	live_say(l);
	return false;
}
