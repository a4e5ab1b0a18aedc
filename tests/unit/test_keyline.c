/* The line for keys: who asks, who waits, in which order, and for how long at
 * most. */
#include <criterion/criterion.h>
#include <signal.h>

#include "core/keyline.h"

enum {
	FUNCTIONS = 12,
	CALLS = 20000,
	AT_ONCE = 200,
};

static struct keyline line;
static struct keyline_fn fn[FUNCTIONS];

static void start(unsigned most)
{
	keyline_init(&line, most);
	for (unsigned i = 0; i < FUNCTIONS; i++)
		keyline_fn_init(&fn[i]);
}

static void wait_for(unsigned f, struct keyline_call *c, uint64_t since)
{
	keyline_call_init(c);
	c->since = since;
	keyline_wait(&line, &fn[f], c, false);
}

Test(keyline, most_leaves_keys_to_others)
{
	for (unsigned workers = 1; workers <= 13; workers++) {
		unsigned most = keyline_most(13, workers);

		cr_assert(most >= 1 && most <= KEYLINE_MOST);
		cr_assert(most == 1 || 2 * most * workers <= 13);
	}
	cr_assert_eq(keyline_most(13, 1), (unsigned)KEYLINE_MOST);
	cr_assert_eq(keyline_most(1, 4), 1u);
}

Test(keyline, off_nobody_waits)
{
	start(0);
	for (unsigned i = 0; i < 100; i++) {
		cr_assert(keyline_may_ask(&line, &fn[0], true));
		keyline_out(&line, &fn[0], true);
	}
	cr_assert_not(keyline_full(&line));
}

Test(keyline, so_many_ask_at_once)
{
	struct keyline_call c;

	start(2);
	keyline_out(&line, &fn[0], true);
	cr_assert(keyline_may_ask(&line, &fn[1], true));
	keyline_out(&line, &fn[1], true);
	cr_assert(keyline_full(&line));
	cr_assert_not(keyline_may_ask(&line, &fn[2], true));
	wait_for(2, &c, 0);
	cr_assert_null(keyline_turn(&line));
	keyline_back(&line, &fn[0], true);
	/* Who stands in line goes before who comes. */
	cr_assert_not(keyline_may_ask(&line, &fn[3], true));
	cr_assert_eq(keyline_turn(&line), &fn[2]);
}

Test(keyline, what_is_on_its_way_is_shared)
{
	struct keyline_call c;

	start(4);
	keyline_out(&line, &fn[0], true);
	cr_assert_not(keyline_may_ask(&line, &fn[0], true));
	wait_for(0, &c, 0);
	cr_assert_null(keyline_turn(&line), "it waits for that one");
	keyline_back(&line, &fn[0], true);
	keyline_rejoin(&line, &fn[0]);
	cr_assert_eq(keyline_turn(&line), &fn[0]);
}

Test(keyline, run_once_shares_nothing)
{
	start(4);
	keyline_out(&line, &fn[0], false);
	cr_assert(keyline_may_ask(&line, &fn[0], false));
	keyline_out(&line, &fn[0], false);
	cr_assert_eq(line.out, 2u);
	keyline_back(&line, &fn[0], false);
	keyline_back(&line, &fn[0], false);
	cr_assert_eq(line.out, 0u);
}

Test(keyline, back_without_out, .signal = SIGILL)
{
	start(4);
	keyline_back(&line, &fn[0], true);
}

Test(keyline, in_the_order_of_functions)
{
	struct keyline_call c[6];

	start(1);
	keyline_out(&line, &fn[9], true);
	for (unsigned i = 0; i < 6; i++)
		wait_for(i % 3, &c[i], i);
	cr_assert_eq(line.n, 6u);
	keyline_back(&line, &fn[9], true);
	for (unsigned i = 0; i < 6; i++) {
		struct keyline_fn *f = keyline_turn(&line);

		cr_assert_eq(f, &fn[i % 3]);
		cr_assert_eq(keyline_first(f), &c[i]);
		keyline_leave(&line, f, &c[i]);
		keyline_rejoin(&line, f);
	}
	cr_assert_null(keyline_turn(&line));
	cr_assert_eq(line.n, 0u);
}

/* It had its turn, but found no isolate. */
Test(keyline, who_had_its_turn_comes_first)
{
	struct keyline_call c[3], again = {.since = 0};

	start(1);
	keyline_out(&line, &fn[9], true);
	for (unsigned i = 0; i < 3; i++)
		wait_for(i, &c[i], 1 + i);
	keyline_wait(&line, &fn[2], &again, true);
	keyline_back(&line, &fn[9], true);
	cr_assert_eq(keyline_first(&fn[2]), &again);
	cr_assert_eq(keyline_oldest(&line), &again);
	/* Its function keeps its place if it has one. */
	cr_assert_eq(keyline_turn(&line), &fn[0]);
}

Test(keyline, the_oldest_whoever_it_is)
{
	static const uint64_t since[] = {5, 3, 9, 4, 4, 1};
	static const unsigned order[] = {5, 1, 3, 4, 0, 2};
	struct keyline_call c[6];

	start(1);
	keyline_out(&line, &fn[9], true);
	for (unsigned i = 0; i < 6; i++)
		wait_for(i, &c[i], since[i]);
	for (unsigned i = 0; i < 6; i++) {
		cr_assert_eq(keyline_oldest(&line), &c[order[i]]);
		keyline_leave(&line, &fn[order[i]], &c[order[i]]);
	}
	cr_assert_null(keyline_oldest(&line));
	keyline_back(&line, &fn[9], true);
	cr_assert_null(keyline_turn(&line), "a function without calls");
}

/* The bound. --------------------------------------------------------------- */

/* A call, and how many turns of its function may begin before it ran. */
static struct played {
	struct keyline_call call;
	unsigned fn;
	unsigned turns;
	bool waits;
} played[AT_ONCE];
/* Who had a turn while this function stood in line: bit f is function f. */
static unsigned before[FUNCTIONS];
static unsigned on_way[FUNCTIONS + 1], n_on_way;
static unsigned long n_run;
static uint64_t random_state = 1;

static unsigned draw(unsigned below)
{
	random_state =
		random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % below;
}

static void run_one(unsigned f)
{
	struct played *p =
		container_of(keyline_first(&fn[f]), struct played, call);

	keyline_leave(&line, &fn[f], &p->call);
	p->waits = false;
	n_run++;
}

static void count_turn(unsigned f)
{
	for (unsigned i = 0; i < AT_ONCE; i++)
		if (played[i].waits && played[i].fn == f)
			cr_assert(played[i].turns-- > 0, "%u waits on", i);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		if (list_empty(&fn[i].turn))
			continue;
		cr_assert_not(before[i] & (1u << f), "twice before %u", i);
		before[i] |= 1u << f;
	}
	before[f] = 0;
}

static void run_row(unsigned f)
{
	for (unsigned n = KEYLINE_ROW; n > 0 && keyline_first(&fn[f]); n--)
		run_one(f);
	keyline_rejoin(&line, &fn[f]);
}

static void arrive(struct played *p)
{
	unsigned k = 1;

	/* Some are called far more often. */
	p->fn = draw(draw(FUNCTIONS) + 1);
	list_for_each(at, &fn[p->fn].calls) k++;
	p->turns = (k + KEYLINE_ROW) / (KEYLINE_ROW + 1);
	if (keyline_may_ask(&line, &fn[p->fn], true)) {
		keyline_out(&line, &fn[p->fn], true);
		on_way[n_on_way++] = p->fn;
		return;
	}
	p->waits = true;
	keyline_call_init(&p->call);
	p->call.since = 0;
	keyline_wait(&line, &fn[p->fn], &p->call, false);
}

static void come_back(void)
{
	unsigned i = draw(n_on_way), f = on_way[i];
	struct keyline_fn *next;

	on_way[i] = on_way[--n_on_way];
	keyline_back(&line, &fn[f], true);
	run_row(f);
	while ((next = keyline_turn(&line))) {
		f = (unsigned)(next - fn);
		count_turn(f);
		run_one(f);
		keyline_out(&line, next, true);
		on_way[n_on_way++] = f;
	}
}

/* Whoever comes, and however often: while a function stands in line no other
 * one has two turns, and its k-th call does not wait for more of its own turns
 * than it takes to run k. */
Test(keyline, bounded_overtaking)
{
	start(2);
	for (unsigned n = 0; n < CALLS; n++) {
		unsigned some = draw(8);

		for (unsigned i = 0; i < AT_ONCE && some > 0; i++)
			if (!played[i].waits) {
				arrive(&played[i]);
				some--;
			}
		cr_assert_leq(line.out, 2u);
		if (n_on_way && draw(3) == 0)
			come_back();
	}
	cr_assert_gt(n_run, CALLS / 4ul);
	while (n_on_way)
		come_back();
	cr_assert_eq(line.n, 0u);
}
