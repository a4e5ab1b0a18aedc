/* See soak.h. Each connection is a thread that draws what to do next. */
#include "tests/stress/soak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TELL_MAX = 5,
	PERCENT = 100,
	DIE = 25, /* of a hundred turns */
	CHURN = 5,
	EVERY_PROBE = 2, /* neighbours: one in so many is a probe */
};

#define NATIVE "application/x-sharedlib"

const char soak_watcher[] = "neighbour1";

static const char lua_bomb[] = "return function() local t = {} "
			       "while true do t[#t + 1] = "
			       "string.rep('x', 65536) end end";
static const char lua_spin[] = "return function() while true do end end";
/* Keeps what it was given with the first call, and a table of its own. */
static const char lua_neighbour[] =
	"local kept, sum = nil, {}\n"
	"for i = 1, 64 do sum[i] = i end\n"
	"return function(e)\n"
	"  kept = kept or e.name\n"
	"  local s = 0\n"
	"  for i = 1, 64 do s = s + sum[i] end\n"
	"  return { twice = 2 * e.n, kept = kept, tag = e.tag, sum = s }\n"
	"end";

/* One way to die, and what the client must hear of it. Where the end is no
 * timeout the function has time: machines that are emulated are slow. */
struct death {
	const char *function;
	const char *deed; /* NULL: the violation */
	const char *code; /* NULL: a crash or a violation, as the place is */
	bool keys;	  /* needs them: else it would succeed */
};

static const struct death deaths[] = {
	{"patient", "trap", "Function.Crashed", false},
	{"faulty", "spin", "Sandbox.Timeout", false},
	{"patient", "bomb", "Function.OutOfMemory", false},
	{"patient", "divide", "Function.Crashed", false},
	{"spin", "1", "Sandbox.Timeout", false},
	{"bomb", "1", "Function.OutOfMemory", false},
	{"patient", "overflow", "Function.Crashed", false},
	{"faulty", "callspin", "Sandbox.Timeout", false},
	{"patient", "flood", NULL, false},
	{"caller", "syscall 27", "Sandbox.SyscallDenied", false},
	{"faulty", "spintext", "Sandbox.Timeout", false},
	{"patient", "hostcall 4d2", "Function.Crashed", false},
	{"patient", NULL, NULL, true},
};
enum {
	DEATHS = sizeof(deaths) / sizeof(*deaths)
};

struct turn {
	struct soak *soak;
	struct client client;
	struct reply *reply;
	uint64_t random;
	unsigned seed;
	unsigned n;
};

static unsigned draw(struct turn *t, unsigned below)
{
	t->random = t->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(t->random >> 33) % below;
}

static void complain(struct soak *s, const char *what, const struct reply *r)
{
	if (s->say && s->told++ < TELL_MAX)
		s->say("%s: status %d: %.200s", what, r->status, r->body);
}

/* Deaths. ------------------------------------------------------------------ */

static bool died_as(const struct death *d, const struct reply *r)
{
	if (d->code)
		return strcmp(r->code, d->code) == 0;
	/* The neighbour went, and the reader lies in its place. */
	if (!d->deed && strcmp(r->body, "own") == 0)
		return true;
	return strcmp(r->code, "Function.Crashed") == 0 ||
	       strcmp(r->code, "Sandbox.MemoryViolation") == 0;
}

static void die(struct turn *t)
{
	const struct death *d = &deaths[draw(t, DEATHS)];
	struct soak *s = t->soak;

	if (d->keys && !s->keys)
		return;
	client_invoke(&t->client, d->function, d->deed ? d->deed : s->violation,
		t->reply);
	atomic_fetch_add(&s->deaths, 1);
	if (died_as(d, t->reply))
		return;
	atomic_fetch_add(&s->wrong_deaths, 1);
	complain(s, d->deed ? d->deed : s->violation, t->reply);
}

/* Neighbours. -------------------------------------------------------------- */

static bool is_probe(unsigned i)
{
	return i % EVERY_PROBE == 1;
}

static bool lua_served(struct turn *t, const char *name)
{
	char request[160], kept[64], tag[64];
	struct reply *r = t->reply;
	unsigned n = t->seed * 100000 + t->n;

	(void)snprintf(request, sizeof(request),
		"{\"n\":%u,\"tag\":\"t%u\",\"name\":\"%s\"}", n, n * 7, name);
	(void)snprintf(kept, sizeof(kept), "\"kept\":\"%s\"", name);
	(void)snprintf(tag, sizeof(tag), "\"tag\":\"t%u\"", n * 7);
	client_invoke(&t->client, name, request, r);
	return r->status == 200 && reply_number(r, "twice") == 2 * (int64_t)n &&
	       reply_number(r, "sum") == 2080 && strstr(r->body, kept) &&
	       strstr(r->body, tag);
}

static bool probe_served(struct turn *t, const char *name)
{
	struct reply *r = t->reply;
	char request[64];

	if (t->n % 2 == 0) {
		client_invoke(&t->client, name, "check", r);
		return r->status == 200 && strcmp(r->body, "whole") == 0;
	}
	(void)snprintf(request, sizeof(request), "echo %u of %s", t->n, name);
	client_invoke(&t->client, name, request, r);
	return r->status == 200 && strcmp(r->body, request + 5) == 0;
}

static void be_served(struct turn *t)
{
	unsigned i = draw(t, SOAK_NEIGHBOURS);
	struct soak *s = t->soak;
	char name[32];
	bool good;

	(void)snprintf(name, sizeof(name), "neighbour%u", i);
	good = is_probe(i) ? probe_served(t, name) : lua_served(t, name);
	atomic_fetch_add(&s->served, 1);
	if (good)
		return;
	atomic_fetch_add(&s->wrong_replies, 1);
	complain(s, name, t->reply);
}

/* Coming and going. -------------------------------------------------------- */

static void churn(struct turn *t)
{
	static const char source[] =
		"return function(e) return 'here ' .. e end";
	struct soak *s = t->soak;
	bool native = s->native && t->n % 2;
	bool good;
	char name[32];

	(void)snprintf(name, sizeof(name), "tenant%u/f", t->seed);
	if (native)
		client_put(&t->client, name, NATIVE, s->native,
			"?idle_ttl_ms=20", t->reply);
	else
		t->reply->status = client_deploy(&t->client, name, "text/x-lua",
			source, "?idle_ttl_ms=20");
	good = t->reply->status == 201;
	client_invoke(&t->client, name, native ? "echo here 1" : "1", t->reply);
	good = good && strcmp(t->reply->body, "here 1") == 0;
	client_delete(&t->client, name, t->reply);
	good = good && t->reply->status == 204;
	client_invoke(&t->client, name, "1", t->reply);
	good = good && t->reply->status == 404;
	atomic_fetch_add(&s->deployed, 1);
	if (good)
		return;
	atomic_fetch_add(&s->wrong_deploys, 1);
	complain(s, name, t->reply);
}

static void *connection(void *arg)
{
	struct soak *s = arg;
	struct turn t = {
		.soak = s,
		.seed = atomic_fetch_add(&s->next_seed, 1) + 1,
		.reply = calloc(1, sizeof(*t.reply)),
	};

	t.random = t.seed;
	client_init(&t.client, s->daemon);
	while (t.reply && !atomic_load(&s->over)) {
		unsigned what = draw(&t, PERCENT);

		t.n++;
		if (what < DIE)
			die(&t);
		else if (what < DIE + CHURN)
			churn(&t);
		else
			be_served(&t);
	}
	client_fini(&t.client);
	free(t.reply);
	return NULL;
}

/* The whole. --------------------------------------------------------------- */

/* One that does deeds. */
static bool deploy_probe(
	struct soak *s, struct client *c, const char *name, const char *options)
{
	struct reply *r;
	bool good;

	if (!s->native)
		return client_deploy(c, name, "text/x-faulty", "x", options) ==
		       201;
	r = calloc(1, sizeof(*r));
	if (!r)
		return false;
	client_put(c, name, NATIVE, s->native, options, r);
	good = r->status == 201;
	free(r);
	return good;
}

static bool deploy_neighbours(struct soak *s, struct client *c)
{
	static const char options[] = "?memory_mb=4&idle_ttl_ms=600000";
	bool good = true;
	char name[32];

	for (unsigned i = 0; i < SOAK_NEIGHBOURS; i++) {
		(void)snprintf(name, sizeof(name), "neighbour%u", i);
		if (is_probe(i))
			good = deploy_probe(s, c, name, options) && good;
		else
			good = client_deploy(c, name, "text/x-lua",
				       lua_neighbour, options) == 201 &&
			       good;
	}
	return good;
}

bool soak_deploy(struct soak *s)
{
	const char *limits = "?timeout_ms=50&memory_mb=4";
	const char *longer = "?timeout_ms=10000&memory_mb=4";
	struct client c;
	bool good;

	client_init(&c, s->daemon);
	good = deploy_neighbours(s, &c) &&
	       deploy_probe(s, &c, "faulty", limits) &&
	       deploy_probe(s, &c, "patient", longer) &&
	       /* Native code with their bytes is refused. */
	       client_deploy(&c, "caller", "text/x-faulty", "x", longer) ==
		       201 &&
	       client_deploy(&c, "spin", "text/x-lua", lua_spin, limits) ==
		       201 &&
	       client_deploy(&c, "bomb", "text/x-lua", lua_bomb, longer) == 201;
	client_fini(&c);
	(void)snprintf(s->violation, sizeof(s->violation), "foreign %lx",
		soak_canary(s));
	return good;
}

bool soak_remove(struct soak *s)
{
	static const char *const others[] = {
		"faulty", "patient", "caller", "spin", "bomb"};
	const size_t n_others = sizeof(others) / sizeof(*others);
	struct reply *r = calloc(1, sizeof(*r));
	struct client c;
	bool good = r;
	char name[32];

	client_init(&c, s->daemon);
	for (unsigned i = 0; good && i < SOAK_NEIGHBOURS + n_others; i++) {
		if (i < SOAK_NEIGHBOURS)
			(void)snprintf(name, sizeof(name), "neighbour%u", i);
		client_delete(&c,
			i < SOAK_NEIGHBOURS ? name
					    : others[i - SOAK_NEIGHBOURS],
			r);
		good = r->status == 204;
	}
	client_fini(&c);
	free(r);
	return good;
}

uint64_t soak_canary(const struct soak *s)
{
	struct reply *r = calloc(1, sizeof(*r));
	struct client c;
	uint64_t at;

	if (!r)
		return 0;
	client_init(&c, s->daemon);
	client_invoke(&c, soak_watcher, "self", r);
	client_fini(&c);
	at = strtoull(r->body, NULL, 16);
	free(r);
	return at;
}

void soak_start(struct soak *s, unsigned connections)
{
	atomic_store(&s->over, false);
	s->n_threads = 0;
	while (s->n_threads < connections && s->n_threads < SOAK_CONNECTIONS &&
		pthread_create(&s->thread[s->n_threads], NULL, connection, s) ==
			0)
		s->n_threads++;
}

void soak_stop(struct soak *s)
{
	atomic_store(&s->over, true);
	for (unsigned i = 0; i < s->n_threads; i++)
		(void)pthread_join(s->thread[i], NULL);
	s->n_threads = 0;
}

bool soak_good(const struct soak *s)
{
	return s->wrong_deaths == 0 && s->wrong_replies == 0 &&
	       s->wrong_deploys == 0 && s->deaths > 0 && s->served > 0;
}
