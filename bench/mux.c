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
 *   workers  so many run at the same time, each with a pin until its end; which
 *            one ends next is drawn
 *   loop     one worker with so many clients: in each turn of its loop first
 *            those run whose key is there, then those that the keeper lent one
 *   ahead    the same, but no more than AHEAD at a time ask the keeper
 *
 * "best" knows what will be called, and takes the key of who is called last. It
 * is Belady's optimum where there is one isolate per function (one call at a
 * time), and near it else.
 *
 * Trusted side; prints lines of "way/popularity/calls at once/policy percent".
 * A share is of the calls after the first tenth.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "pkey/mux.h"

enum {
	FUNCTIONS = 10000,
	INSTANCES = 16 * FUNCTIONS,
	KEYS = 13,
	AHEAD = 4,
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

struct way {
	const char *name;
	void (*play)(unsigned at_once);
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
	struct instance *idle[FUNCTIONS];
	size_t issued;
	size_t counted, moved; /* calls that count; that got a key */
	/* Calls under way: with a pin, or without. */
	struct instance *running[AT_ONCE_MAX], *waiting[AT_ONCE_MAX];
	unsigned n_running, n_waiting;
} b;

static uint64_t draw(void)
{
	b.random ^= b.random << 13;
	b.random ^= b.random >> 7;
	b.random ^= b.random << 17;
	return b.random;
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

static unsigned rank(const double *sum)
{
	double x = (double)(draw() >> 11) * 0x1p-53 * sum[FUNCTIONS - 1];
	unsigned low = 0, high = FUNCTIONS - 1;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (sum[mid] < x)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void draw_calls(const struct popularity *p)
{
	static double sum[FUNCTIONS];
	static unsigned fn[FUNCTIONS];
	double total = 0;

	b.random = 88172645463325252u;
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		total += pow(i + 1, -p->zipf);
		sum[i] = total;
		fn[i] = i;
	}
	for (size_t i = 0; i < b.n_calls; i++) {
		if (p->moves && i % MOVE_EVERY == 0)
			shuffle(fn);
		b.calls[i] = fn[rank(sum)];
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

static struct instance *instance_take(unsigned fn)
{
	struct instance *x = b.idle[fn];

	if (x) {
		b.idle[fn] = x->next;
		return x;
	}
	CHECK(b.n_all < INSTANCES);
	x = &b.all[b.n_all++];
	x->fn = fn;
	CHECK(domain_init(&x->domain, &b.keys, x, DOMAIN_PAGE) == 0);
	return x;
}

static struct instance *issue(void)
{
	struct instance *x = instance_take(b.calls[b.issued]);

	b.upcoming[x->fn] = b.next[b.issued++];
	b.counted += b.issued > b.n_calls / 10;
	return x;
}

static bool left(void)
{
	return b.issued < b.n_calls;
}

static void end(struct instance *x)
{
	(void)domain_unpin(&b.mux, &x->domain, b.issued);
	x->next = b.idle[x->fn];
	b.idle[x->fn] = x;
}

/* False: it has to wait. */
static bool bind(struct instance *x)
{
	uint64_t binds = b.mux.binds;

	if (domain_bind(&b.mux, &x->domain) != 0)
		return false;
	if (b.issued > b.n_calls / 10)
		b.moved += b.mux.binds - binds;
	b.running[b.n_running++] = x;
	return true;
}

/* At most so many are bound; the others wait on. */
static void retry(unsigned most)
{
	unsigned n = b.n_waiting;

	b.n_waiting = 0;
	for (unsigned i = 0; i < n; i++)
		if (i >= most || !bind(b.waiting[i]))
			b.waiting[b.n_waiting++] = b.waiting[i];
}

static void play_workers(unsigned at_once)
{
	while (left()) {
		while (left() && b.n_running + b.n_waiting < at_once) {
			struct instance *x = issue();

			if (domain_pin(&x->domain) >= 0)
				b.running[b.n_running++] = x;
			else if (!bind(x))
				b.waiting[b.n_waiting++] = x;
		}
		CHECK(b.n_running > 0);
		unsigned i = (unsigned)(draw() % b.n_running);

		end(b.running[i]);
		b.running[i] = b.running[--b.n_running];
		retry(AT_ONCE_MAX);
	}
}

static void play_turns(unsigned at_once, unsigned ahead)
{
	while (left()) {
		unsigned was = b.n_waiting;

		for (unsigned i = was; left() && i < at_once; i++) {
			struct instance *x = issue();

			if (domain_pin(&x->domain) >= 0)
				end(x);
			else
				b.waiting[b.n_waiting++] = x;
		}
		retry(ahead);
		for (unsigned i = 0; i < b.n_running; i++)
			end(b.running[i]);
		b.n_running = 0;
	}
}

static void play_loop(unsigned at_once)
{
	play_turns(at_once, AT_ONCE_MAX);
}

static void play_ahead(unsigned at_once)
{
	play_turns(at_once, AHEAD);
}

static const struct way ways[] = {
	{"workers", play_workers},
	{"loop", play_loop},
	{"ahead", play_ahead},
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
	memset(b.idle, 0, sizeof(b.idle));
	look_ahead();
	domain_mux_init(&b.mux, &b.keys);
	mux_set_policy(&b.mux, policy, 1);
	way->play(at_once);
	printf("%s/%s/%u/%s %.2f\n", way->name, p->name, at_once, policy->name,
		100.0 * (double)b.moved / (double)b.counted);
}

int main(int argc, char **argv)
{
	static const unsigned at_once[] = {1, 8, 13, 20, 32, 64};

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
			for (size_t i = 0; i < 6; i++)
				for (unsigned k = 0; k <= BEST; k++)
					play(&ways[w], &popularities[p],
						at_once[i], k);
	}
	free(b.calls);
	free(b.next);
	return 0;
}
