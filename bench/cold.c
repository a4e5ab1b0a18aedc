/*
 * bench/cold: how long does a cold start take inside the daemon? From the
 * moment the request would have been parsed to the reply's bytes: a slot, its
 * domain, a Lua state with its libraries, the function loaded and called.
 *
 *     cold [-n STARTS] [-c FILE.so] LIVE...
 *
 * -c: of this native function instead. For each number of idle isolates LIVE:
 *   paced   starts a millisecond apart, as a client that comes now and then
 *           sees them; the isolate stays for the next call, and the keeper
 *           has prepared slots meanwhile
 *   keeper  the same with a budget that no prepared slot has, so that the
 * worker has to ask the keeper and nothing is in memory yet: near to what a
 *           start has to do that finds no key free
 *   row     one after the other with no pause, each isolate dropped after its
 *           call: the keeper's part counts in
 *   parts   of a paced one: wait for a slot; layout, state and load; the first
 *           call; and, to compare, a warm call
 *
 * Trusted side; prints lines of "name value".
 */
#include <unistd.h>

#include "core/arena.h"
#include "inproc.h"
#include "sample.h"
#include "util/clock.h"

enum {
	LIVE_MAX = 20000,
	LIVE_SPARE = 100,
};

static struct cold {
	unsigned starts;
	unsigned n_goals;
	unsigned long goal[16];
	unsigned long live;
	struct function *kept[LIVE_MAX];
	struct function *once;
	struct function *brief;
	struct function *odd[2];
	struct samples paced, keeper, row, slot, load, first, warm;
} cold;

/* A budget for which nothing is prepared. */
#define ODD_BYTES ((size_t)32 << 20)

/* Long enough for the keeper to have put everything in its place. */
#define PACE (1 * CLOCK_MS)

static void cold_grow(struct inproc *b, struct worker *w, unsigned long to)
{
	for (; cold.live < to; cold.live++) {
		(void)inproc_call(b, w, cold.kept[cold.live], false);
		CHECK(b->inv.cold);
	}
	inproc_pause(w, 20 * CLOCK_MS);
}

static void cold_whole(struct inproc *b, struct worker *w)
{
	for (unsigned i = 0; i < cold.starts; i++) {
		inproc_pause(w, PACE);
		samples_add(&cold.paced, inproc_call(b, w, cold.brief, false));
		CHECK(b->inv.cold);
	}
	for (unsigned i = 0; i < cold.starts; i++) {
		inproc_pause(w, PACE);
		samples_add(&cold.keeper,
			inproc_call(b, w, cold.odd[i % 2], false));
		CHECK(b->inv.cold);
	}
	for (unsigned i = 0; i < cold.starts; i++) {
		samples_add(&cold.row, inproc_call(b, w, cold.once, false));
		inproc_pause(w, 0);
	}
}

static void cold_parts(struct inproc *b, struct worker *w)
{
	for (unsigned i = 0; i < cold.starts; i++) {
		inproc_pause(w, PACE);
		(void)inproc_call(b, w, cold.brief, true);
		samples_add(&cold.slot, b->inv.run_begin_ns - b->inv.begin_ns);
		samples_add(&cold.load, b->inv.end_ns - b->inv.run_begin_ns);
		samples_add(&cold.first, inproc_call(b, w, cold.brief, false));
		samples_add(&cold.warm, inproc_call(b, w, cold.brief, false));
		CHECK(!b->inv.cold);
	}
}

static void cold_print(struct inproc *b, struct worker *w)
{
	(void)b;
	(void)w;
	printf("live %lu\n", cold.live);
	samples_print(&cold.paced, "paced");
	samples_print(&cold.keeper, "keeper");
	samples_print(&cold.row, "row");
	samples_print(&cold.slot, "part_slot");
	samples_print(&cold.load, "part_load");
	samples_print(&cold.first, "part_first_call");
	samples_print(&cold.warm, "warm_call");
}

static void cold_work(struct inproc *b, struct worker *w)
{
	inproc_compile(b, w, cold.once);
	inproc_compile(b, w, cold.brief);
	inproc_compile(b, w, cold.odd[0]);
	inproc_compile(b, w, cold.odd[1]);
	/* Once for everything that happens only once. */
	cold_whole(b, w);
	cold.paced.n = cold.keeper.n = cold.row.n = 0;
	for (unsigned i = 0; i < cold.n_goals; i++) {
		cold_grow(b, w, cold.goal[i]);
		cold_whole(b, w);
		cold_parts(b, w);
		inproc_ask(b, w, cold_print);
	}
}

static int cold_usage(void)
{
	(void)fprintf(stderr, "usage: cold [-n STARTS] [-c FILE.so] LIVE... "
			      "(ascending)\n");
	return 2;
}

static bool cold_arguments(int argc, char **argv)
{
	int opt;

	cold.starts = 300;
	while ((opt = getopt(argc, argv, "n:c:")) != -1) {
		if (opt == 'n')
			cold.starts = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'c')
			inproc_native(optarg);
		else
			return false;
	}
	for (; optind < argc && cold.n_goals < 16; optind++) {
		unsigned long n = strtoul(argv[optind], NULL, 10);

		if (n > LIVE_MAX ||
			(cold.n_goals && n < cold.goal[cold.n_goals - 1]))
			return false;
		cold.goal[cold.n_goals++] = n;
	}
	return cold.starts > 0 && cold.starts < SAMPLES_MAX && cold.n_goals > 0;
}

int main(int argc, char **argv)
{
	static struct inproc b;
	unsigned long most;
	char name[32];

	if (!cold_arguments(argc, argv))
		return cold_usage();
	most = cold.goal[cold.n_goals - 1];
	inproc_init(&b, most + LIVE_SPARE);
	for (unsigned long i = 0; i < most; i++) {
		(void)snprintf(name, sizeof(name), "kept%lu", i);
		cold.kept[i] = inproc_function(name, -1, ARENA_COMMON_BYTES);
	}
	cold.once = inproc_function("once", 0, ARENA_COMMON_BYTES);
	cold.brief = inproc_function("brief", PACE / 2, ARENA_COMMON_BYTES);
	cold.odd[0] = inproc_function("odd0", PACE / 2, ODD_BYTES);
	cold.odd[1] = inproc_function("odd1", PACE / 2, ODD_BYTES / 2);
	inproc_run(&b, cold_work, NULL);
	return 0;
}
