/* See churn_load.h. Each client is a thread that draws what to do next. */
#include "tests/stress/churn_load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/stress/canary.h"
#include "tests/stress/tap.h"

enum {
	CLIENTS = 64,
	HOT = 50, /* functions that get half of the calls */
	PERCENT = 100,
	TELL_MAX = 5,
	PATIENCE_MS = 100000,
};

static const struct deed {
	const char *what;
	unsigned percent;
	bool native; /* only of native functions */
	bool poke;
	/* What the client hears, or the other one; NULL: an answer. */
	const char *code, *other;
} deeds[] = {
	{"call", 82},
	{"error", 6, .code = "Function.Error"},
	{"spin", 3, .code = "Sandbox.Timeout"},
	{"bomb", 3, .code = "Function.OutOfMemory", .other = "Function.Error"},
	{"trap", 2, .native = true, .code = "Function.Crashed"},
	{"flood", 2, .native = true, .code = "Function.Crashed",
		.other = "Sandbox.MemoryViolation"},
	{"poke", 2, .native = true, .poke = true, .code = "Function.Crashed",
		.other = "Sandbox.MemoryViolation"},
};

struct churn churn;

static struct {
	pthread_t thread[CLIENTS];
	enum churn_phase phase;
	_Atomic unsigned next; /* to be deployed, or removed */
	_Atomic unsigned seeds;
	_Atomic bool over;
} clients;

struct turn {
	struct client client;
	struct reply *reply;
	uint64_t random;
};

/* Functions. --------------------------------------------------------------- */

static bool is_native(unsigned fn)
{
	return churn.native.bytes && fn % 3 == 2;
}

static void name_of(unsigned fn, char ret_name[CANARY_NAME])
{
	(void)snprintf(ret_name, CANARY_NAME, "f%u", fn);
}

/* With its tenant. */
static void path_of(unsigned fn, char ret_path[CANARY_NAME])
{
	(void)snprintf(ret_path, CANARY_NAME, "t%u/f%u", fn % 10, fn);
}

static void complain(const char *what, const char *path, const struct reply *r)
{
	atomic_fetch_add(&churn.wrong, 1);
	if (atomic_fetch_add(&churn.told, 1) < TELL_MAX)
		tap_say("%s: %s: status %d: %.*s", path, what, r->status,
			(int)strcspn(r->body, "\n"), r->body);
}

static void deploy(struct turn *t, unsigned fn)
{
	static const char limits[] =
		"?memory_mb=4&timeout_ms=20000&idle_ttl_ms=5000";
	char source[CANARY_SOURCE], name[CANARY_NAME], path[CANARY_NAME];
	struct body lua = {.bytes = source};

	name_of(fn, name);
	path_of(fn, path);
	canary_lua(name, source);
	lua.len = strlen(source);
	if (is_native(fn))
		client_put(&t->client, path, "application/x-sharedlib",
			&churn.native, limits, t->reply);
	else
		client_put(
			&t->client, path, "text/x-lua", &lua, limits, t->reply);
	if (t->reply->status != 201)
		complain("not deployed", path, t->reply);
}

static void withdraw(struct turn *t, unsigned fn)
{
	char path[CANARY_NAME];

	path_of(fn, path);
	client_delete(&t->client, path, t->reply);
	if (t->reply->status != 204)
		complain("not removed", path, t->reply);
}

static void for_all(struct turn *t, void (*work)(struct turn *t, unsigned fn))
{
	unsigned fn;

	while ((fn = atomic_fetch_add(&clients.next, 1)) < churn.functions)
		work(t, fn);
}

/* Calls. ------------------------------------------------------------------- */

static unsigned draw(struct turn *t, unsigned below)
{
	t->random = t->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(t->random >> 33) % below;
}

/* Half of the calls go to a few functions, whose isolates get old; the others
 * to all, and mostly find none. */
static unsigned draw_function(struct turn *t)
{
	unsigned hot = churn.functions < HOT ? churn.functions : HOT;

	return draw(t, draw(t, 2) ? hot : churn.functions);
}

static const struct deed *draw_deed(struct turn *t, unsigned fn)
{
	unsigned at = draw(t, PERCENT);
	const struct deed *d = deeds;

	while (at >= d->percent)
		at -= d++->percent;
	if ((d->native && !is_native(fn)) || (d->poke && !churn.poke))
		return deeds;
	return d;
}

static bool is_as_told(const struct deed *d, const struct reply *r)
{
	if (!d->code)
		return r->status == 200;
	return strcmp(r->code, d->code) == 0 ||
	       (d->other && strcmp(r->code, d->other) == 0);
}

/* NULL: the canaries are as they have to be. */
static const char *look(unsigned fn, uint64_t seed, const struct reply *r)
{
	char name[CANARY_NAME], begin[CANARY_NAME + 1];
	const char *answer;

	name_of(fn, name);
	(void)snprintf(begin, sizeof(begin), "%s ", name);
	answer = strstr(r->body, begin);
	return answer ? canary_check(fn, name, seed, answer)
		      : "another function answered";
}

static void judge(
	const struct deed *d, unsigned fn, uint64_t seed, const struct reply *r)
{
	/* An isolate survives an error, not what else ends in a code. */
	bool answers = !d->code || strcmp(d->what, "error") == 0;
	const char *wrong = NULL;
	char path[CANARY_NAME];

	path_of(fn, path);
	atomic_fetch_add(d->code ? &churn.deaths : &churn.answers, 1);
	if (!is_as_told(d, r)) {
		complain(d->what, path, r);
		return;
	}
	if (answers)
		wrong = look(fn, seed, r);
	if (!wrong)
		return;
	atomic_fetch_add(&churn.hurt, 1);
	complain(wrong, path, r);
}

static void call(struct turn *t)
{
	unsigned fn = draw_function(t);
	const struct deed *d = draw_deed(t, fn);
	uint64_t seed = canary_send(fn);
	char text[CANARY_SEED + 1], body[64], start[96], path[CANARY_NAME];

	path_of(fn, path);
	canary_text(seed, text);
	(void)snprintf(body, sizeof(body), "\"%s %s\"", d->what, text);
	(void)snprintf(
		start, sizeof(start), "POST /v1/functions/%s/invoke", path);
	client_send(&t->client, start,
		strcmp(d->what, "spin") == 0 ? "Gvisor-Timeout: 20\r\n" : "",
		body, t->reply);
	judge(d, fn, seed, t->reply);
}

/* Clients. ----------------------------------------------------------------- */

static void work(struct turn *t)
{
	enum churn_phase phase = clients.phase;

	if (phase == CHURN_DEPLOY || phase == CHURN_DEPLOY_AND_CALL)
		for_all(t, deploy);
	if (phase == CHURN_REMOVE)
		for_all(t, withdraw);
	if (phase == CHURN_CALL || phase == CHURN_DEPLOY_AND_CALL)
		while (!atomic_load(&clients.over))
			call(t);
}

static void *client_main(void *arg)
{
	/* Connects with the first request: that nobody is there any more is a
	 * wrong reply like others. */
	struct turn t = {.client = {churn.daemon, -1, PATIENCE_MS},
		.reply = calloc(1, sizeof(*t.reply))};

	(void)arg;
	t.random = atomic_fetch_add(&clients.seeds, 1) + 1;
	if (t.reply)
		work(&t);
	client_fini(&t.client);
	free(t.reply);
	return NULL;
}

void churn_start(enum churn_phase phase)
{
	clients.phase = phase;
	atomic_store(&clients.over, false);
	atomic_store(&clients.next, 0);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (pthread_create(
			    &clients.thread[i], NULL, client_main, NULL) != 0)
			abort();
}

void churn_join(void)
{
	atomic_store(&clients.over, true);
	for (unsigned i = 0; i < CLIENTS; i++)
		(void)pthread_join(clients.thread[i], NULL);
}
