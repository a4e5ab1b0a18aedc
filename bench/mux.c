/*
 * bench/mux: how many calls need a key to be moved? The daemon's multiplexer,
 * with all its policies, on keys that exist on paper only; so it runs anywhere
 * and tells what would be done, not how long it takes (mux_retag does).
 *
 *     mux [CALLS]
 *
 * FUNCTIONS functions are called, some more often than others (Zipf). A call
 * takes the isolate of its function that was used last, or a new one. Ways to
 * be busy with several calls at once:
 *
 *   workers   so many run at the same time, each with a pin until its end;
 * which one ends next is drawn loop      a worker of the daemon with so many
 * clients: in each turn of its loop first those run whose key is there; of the
 * others some ask the keeper (core/keyline.h, the daemon's own) loop-N    N
 * workers, who share the clients evenly most-M    loop, but M may ask at a time
 *
 * "best" knows what will be called, and takes the key of who is called last. It
 * is Belady's optimum where calls run one at a time, in the order in which they
 * come, and near it with "workers". It is left out elsewhere.
 *
 * Trusted side; prints lines of "way/popularity/calls at once/policy percent".
 * A share is of the calls after the first tenth.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "core/keyline.h"
#include "draw.h"
#include "pkey/mux.h"

enum {
	FUNCTIONS = 10000,
	INSTANCES = 16 * FUNCTIONS,
	KEYS = 13,
	WORKERS_MAX = 8,
	AT_ONCE_MAX = 64,
	MOVE_EVERY = 20000, /* calls, where popularity moves */
	CALLS_MAX = 10000000,
	BEST = MUX_KINDS, /* beside the policies that there are */
};

struct instance {
	struct domain domain;
	unsigned fn;
	struct instance *next; /* idle, of the same function */
};

/* A call of a worker's client. */
struct call {
	struct keyline_call wait;
	unsigned fn;
	struct instance *x; /* that the keeper was asked for */
};

struct loop {
	struct keyline line;
	struct keyline_fn fn[FUNCTIONS];
	struct instance *idle[FUNCTIONS];
	struct call call[AT_ONCE_MAX];
	struct call *free[AT_ONCE_MAX];
	unsigned n_free;
};

struct way {
	const char *name;
	void (*play)(const struct way *way, unsigned at_once);
	unsigned workers;
	unsigned most;	   /* 0: as the daemon */
	const char *alone; /* for this popularity only, and 64 calls */
};

static const struct popularity {
	const char *name;
	double zipf;
	bool moves;
} popularities[] = {
	{"uniform", 0, false},
	{"zipf-0.9", 0.9, false},
	{"zipf-1.0", 1.0, false},
	{"zipf-1.2", 1.2, false},
	{"zipf-1.0-moving", 1.0, true},
};

static struct mux_bench {
	size_t n_calls;
	unsigned *calls; /* functions, in order */
	size_t *next;	 /* when the same function is called next */
	size_t upcoming[FUNCTIONS];
	uint64_t random;

	struct keys keys;
	struct domain_mux mux;
	struct instance all[INSTANCES];
	unsigned n_all;
	struct loop loop[WORKERS_MAX];
	size_t issued;
	size_t counted, moved; /* calls that count; that got a key */
	/* Calls under way: with a pin, or without. */
	struct instance *running[AT_ONCE_MAX], *waiting[AT_ONCE_MAX];
	unsigned n_running, n_waiting;
	/* Those of loops that ask for a key, in order. */
	struct call *asked[AT_ONCE_MAX];
	unsigned n_asked;
} b;

static uint64_t draw(void)
{
	return draw_next(&b.random);
}

/* Calls. ------------------------------------------------------------------- */

static void shuffle(unsigned *of)
{
	for (unsigned i = FUNCTIONS - 1; i > 0; i--) {
		unsigned k = (unsigned)(draw() % (i + 1));
		unsigned was = of[i];

		of[i] = of[k];
		of[k] = was;
	}
}

static void draw_calls(const struct popularity *p)
{
	static double sum[FUNCTIONS];
	static unsigned fn[FUNCTIONS];

	b.random = DRAW_SEED;
	draw_popularity(sum, FUNCTIONS, p->zipf);
	for (unsigned i = 0; i < FUNCTIONS; i++)
		fn[i] = i;
	for (size_t i = 0; i < b.n_calls; i++) {
		if (p->moves && i % MOVE_EVERY == 0)
			shuffle(fn);
		b.calls[i] = fn[draw_rank(&b.random, sum, FUNCTIONS)];
	}
}

/* From the end: who is called when. Leaves each function's first call. */
static void look_ahead(void)
{
	for (unsigned i = 0; i < FUNCTIONS; i++)
		b.upcoming[i] = SIZE_MAX;
	for (size_t i = b.n_calls; i-- > 0;) {
		b.next[i] = b.upcoming[b.calls[i]];
		b.upcoming[b.calls[i]] = i;
	}
}

static unsigned best_pick(struct domain_mux *mux, unsigned among)
{
	unsigned best = (unsigned)__builtin_ctz(among);
	size_t latest = 0;

	for (; among; among &= among - 1) {
		unsigned i = (unsigned)__builtin_ctz(among);
		const struct instance *x = container_of(
			mux->slot[i].owner, struct instance, domain);

		if (b.upcoming[x->fn] >= latest) {
			latest = b.upcoming[x->fn];
			best = i;
		}
	}
	return best;
}

/* Keys on paper. ----------------------------------------------------------- */

static int paper_key_alloc(bool open)
{
	static int taken;

	(void)open;
	if (taken < KEYS + 2)
		return ++taken;
	taken = 0;
	return -ENOSPC;
}

static int paper_tag(void *addr, size_t len, int prot, int key)
{
	(void)addr;
	(void)len;
	(void)prot;
	(void)key;
	return 0;
}

static const struct prim prim_paper = {
	"paper", true, paper_key_alloc, paper_tag};

/* Playing. ----------------------------------------------------------------- */

static struct instance *instance_take(struct instance **idle, unsigned fn)
{
	struct instance *x = idle[fn];

	if (x) {
		idle[fn] = x->next;
		return x;
	}
	CHECK(b.n_all < INSTANCES);
	x = &b.all[b.n_all++];
	x->fn = fn;
	CHECK(domain_init(&x->domain, &b.keys, x, DOMAIN_PAGE) == 0);
	return x;
}

static unsigned issue(void)
{
	unsigned fn = b.calls[b.issued];

	b.upcoming[fn] = b.next[b.issued++];
	b.counted += b.issued > b.n_calls / 10;
	return fn;
}

static bool left(void)
{
	return b.issued < b.n_calls;
}

static void end(struct instance **idle, struct instance *x)
{
	(void)domain_unpin(&b.mux, &x->domain, b.issued);
	x->next = idle[x->fn];
	idle[x->fn] = x;
}

/* False: it has to wait. */
static bool bind(struct instance *x)
{
	uint64_t binds = b.mux.binds;

	if (domain_bind(&b.mux, &x->domain) != 0)
		return false;
	if (b.issued > b.n_calls / 10)
		b.moved += b.mux.binds - binds;
	return true;
}

/* At the same time. -------------------------------------------------------- */

static void retry(void)
{
	unsigned n = b.n_waiting;

	b.n_waiting = 0;
	for (unsigned i = 0; i < n; i++)
		if (bind(b.waiting[i]))
			b.running[b.n_running++] = b.waiting[i];
		else
			b.waiting[b.n_waiting++] = b.waiting[i];
}

static void play_workers(const struct way *way, unsigned at_once)
{
	struct instance **idle = b.loop[0].idle;

	(void)way;
	while (left()) {
		while (left() && b.n_running + b.n_waiting < at_once) {
			struct instance *x = instance_take(idle, issue());

			if (domain_pin(&x->domain) >= 0 || bind(x))
				b.running[b.n_running++] = x;
			else
				b.waiting[b.n_waiting++] = x;
		}
		CHECK(b.n_running > 0);
		unsigned i = (unsigned)(draw() % b.n_running);

		end(idle, b.running[i]);
		b.running[i] = b.running[--b.n_running];
		retry();
	}
}

/* Loops, which go about it as core/invoke.c does. -------------------------- */

static void loop_done(struct loop *l, struct call *c)
{
	l->free[l->n_free++] = c;
}

static bool loop_hit(struct loop *l, struct call *c)
{
	struct instance *x = l->idle[c->fn];

	if (!x || domain_pin(&x->domain) < 0)
		return false;
	l->idle[c->fn] = x->next;
	end(l->idle, x);
	loop_done(l, c);
	return true;
}

static void loop_ask(struct loop *l, struct call *c)
{
	keyline_out(&l->line, &l->fn[c->fn], true);
	c->x = instance_take(l->idle, c->fn);
	b.asked[b.n_asked++] = c;
}

static void loop_start(struct loop *l, struct call *c)
{
	struct keyline_fn *f = &l->fn[c->fn];

	if (!keyline_first(f) && loop_hit(l, c))
		return;
	if (keyline_may_ask(&l->line, f, true))
		loop_ask(l, c);
	else
		keyline_wait(&l->line, f, &c->wait, false);
}

/* One of the function's calls, out of the line. */
static struct call *loop_take(struct loop *l, struct keyline_fn *f)
{
	struct call *c = container_of(keyline_first(f), struct call, wait);

	keyline_leave(&l->line, f, &c->wait);
	return c;
}

static void loop_row(struct loop *l, struct keyline_fn *f)
{
	for (unsigned n = KEYLINE_ROW; n > 0 && keyline_first(f); n--) {
		struct instance *x = l->idle[f - l->fn];

		if (!x || domain_key(&x->domain) < 0 ||
			!loop_hit(l, loop_take(l, f)))
			break;
	}
	keyline_rejoin(&l->line, f);
}

static void loop_turns(struct loop *l)
{
	struct keyline_fn *f;

	while ((f = keyline_turn(&l->line))) {
		struct call *c = loop_take(l, f);

		if (!loop_hit(l, c))
			loop_ask(l, c);
		else
			loop_row(l, f);
	}
}

static void loop_bound(struct loop *l, struct call *c)
{
	struct keyline_fn *f = &l->fn[c->fn];

	keyline_back(&l->line, f, true);
	end(l->idle, c->x);
	loop_done(l, c);
	loop_row(l, f);
	loop_turns(l);
}

static struct loop *loop_of(const struct call *c, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++)
		if (c >= b.loop[i].call && c < b.loop[i].call + AT_ONCE_MAX)
			return &b.loop[i];
	CHECK(false);
	return NULL;
}

/* Those who have nothing under way call once. */
static void loop_issue(struct loop *l)
{
	struct call *free[AT_ONCE_MAX];
	unsigned n = l->n_free;

	memcpy(free, l->free, sizeof(free));
	l->n_free = 0;
	for (unsigned i = 0; i < n && left(); i++) {
		free[i]->fn = issue();
		loop_start(l, free[i]);
	}
}

/* One turn of all loops, the keeper's in between. */
static void loops_turn(unsigned workers)
{
	struct call *asked[AT_ONCE_MAX];
	unsigned n, bound = 0;

	for (unsigned i = 0; i < workers; i++)
		loop_issue(&b.loop[i]);
	n = b.n_asked;
	memcpy(asked, b.asked, sizeof(asked));
	while (bound < n && bind(asked[bound]->x))
		bound++;
	b.n_asked = n - bound;
	memmove(b.asked, asked + bound, b.n_asked * sizeof(*asked));
	for (unsigned i = 0; i < bound; i++)
		loop_bound(loop_of(asked[i], workers), asked[i]);
}

static void play_loops(const struct way *way, unsigned at_once)
{
	unsigned most =
		way->most ? way->most : keyline_most(KEYS, way->workers);

	for (unsigned i = 0; i < way->workers; i++) {
		struct loop *l = &b.loop[i];

		keyline_init(&l->line, most);
		for (unsigned k = 0; k < FUNCTIONS; k++)
			keyline_fn_init(&l->fn[k]);
		l->n_free = 0;
		for (unsigned k = i; k < at_once; k += way->workers) {
			keyline_call_init(&l->call[k].wait);
			l->call[k].wait.since = 0;
			l->free[l->n_free++] = &l->call[k];
		}
	}
	b.n_asked = 0;
	while (left())
		loops_turn(way->workers);
}

static const struct way ways[] = {
	{"workers", play_workers, 1, 0, NULL},
	{"loop", play_loops, 1, 0, NULL},
	{"loop-2", play_loops, 2, 0, "zipf-1.0"},
	{"loop-4", play_loops, 4, 0, "zipf-1.0"},
	{"loop-8", play_loops, 8, 0, "zipf-1.0"},
	{"most-1", play_loops, 1, 1, "zipf-1.0"},
	{"most-2", play_loops, 1, 2, "zipf-1.0"},
	{"most-3", play_loops, 1, 3, "zipf-1.0"},
	{"most-4", play_loops, 1, 4, "zipf-1.0"},
	{"most-6", play_loops, 1, 6, "zipf-1.0"},
	{"most-8", play_loops, 1, 8, "zipf-1.0"},
	{"most-13", play_loops, 1, 13, "zipf-1.0"},
	{"most-64", play_loops, 1, 64, "zipf-1.0"},
};

static void play(const struct way *way, const struct popularity *p,
	unsigned at_once, unsigned kind)
{
	static const struct mux_policy best = {"best", best_pick};
	const struct mux_policy *policy =
		kind == BEST ? &best : &mux_policies[kind];

	b.n_all = 0;
	b.n_running = b.n_waiting = 0;
	b.issued = b.counted = b.moved = 0;
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		memset(b.loop[i].idle, 0, sizeof(b.loop[i].idle));
	look_ahead();
	domain_mux_init(&b.mux, &b.keys);
	mux_set_policy(&b.mux, policy, 1);
	way->play(way, at_once);
	printf("%s/%s/%u/%s %.2f\n", way->name, p->name, at_once, policy->name,
		100.0 * (double)b.moved / (double)b.counted);
}

static void play_all(const struct way *way, const struct popularity *p)
{
	static const unsigned at_once[] = {1, 8, 13, 20, 32, 64};

	if (way->alone && strcmp(way->alone, p->name) != 0)
		return;
	for (size_t i = way->alone ? 5 : 0; i < 6; i++)
		for (unsigned k = 0; k <= BEST; k++)
			if (k < BEST || at_once[i] == 1 ||
				way->play == play_workers)
				play(way, p, at_once[i], k);
}

int main(int argc, char **argv)
{
	b.n_calls = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
	if (b.n_calls < 100 || b.n_calls > CALLS_MAX) {
		(void)fprintf(stderr, "usage: mux [CALLS]\n");
		return 2;
	}
	b.calls = calloc(b.n_calls, sizeof(*b.calls));
	b.next = calloc(b.n_calls, sizeof(*b.next));
	CHECK(b.calls && b.next);
	CHECK(keys_init(&b.keys, &prim_paper) == 0);
	CHECK(b.keys.n_isolate == KEYS);
	for (size_t p = 0; p < sizeof(popularities) / sizeof(*popularities);
		p++) {
		draw_calls(&popularities[p]);
		for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++)
			play_all(&ways[w], &popularities[p]);
	}
	free(b.calls);
	free(b.next);
	return 0;
}
