/* See live.h. */
#include "tests/security/live.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void live_start(struct live *l, const struct live_options *opt)
{
	static const struct live_options usual;
	const char *more[10] = {"--set", "log.level=error", "--isolation"};
	static char without[128], limits[64];
	size_t n = 3;

	if (!opt)
		opt = &usual;
	more[n++] = opt->mode ? opt->mode : "mpk";
	if (opt->set) {
		more[n++] = "--set";
		more[n++] = opt->set;
	}
	if (opt->without) {
		(void)snprintf(
			without, sizeof(without), "--without=%s", opt->without);
		more[n++] = without;
	}
	more[n] = NULL;
	daemon_start_as(&l->daemon, opt->uid, attack_daemon, more);
	client_init(&l->client, &l->daemon);
	l->type =
		strcmp(more[3], "mpk") == 0 ? "text/x-probe" : "text/x-faulty";
	(void)snprintf(limits, sizeof(limits), "?timeout_ms=%d&memory_mb=%d",
		LIVE_TIMEOUT_MS, LIVE_MEMORY_MB);
	if (!live_probe(l, "neighbour", "x", "") ||
		!live_probe(l, "attacker", "x", limits))
		attack_say("the probes could not be deployed");
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

bool live_probe(
	struct live *l, const char *name, const char *code, const char *options)
{
	const struct body body = {code, strlen(code)};

	client_put(&l->client, name, l->type, &body, options, &l->reply);
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
