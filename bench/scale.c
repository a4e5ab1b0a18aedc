/*
 * bench/scale: what changes with the number of isolates that live? For each
 * number LIVE of idle isolates, each of a function of its own and called once:
 *
 *   create   from a call that finds no warm isolate to one that is ready (slot,
 *            domain, engine, code loaded), a millisecond apart
 *   call     a warm call among them, drawn at random, and one among ten of
 *            them; BATCH calls come in together, as from as many clients
 *   memory   of the process, for each isolate: resident, page tables; mappings
 *
 *     scale [-n STARTS] [-c FILE.so] LIVE...
 *
 * -c: each is this native function. Trusted side; prints lines of "name value".
 */
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "draw.h"
#include "inproc.h"
#include "sample.h"
#include "util/clock.h"

enum {
	LIVE_MAX = 20000,
	LIVE_SPARE = 100,
	LEVELS_MAX = 16,
	FEW = 10,
	BATCH = 64,
	BATCHES = 300,
};

struct memory {
	double pss, tables, maps;
};

static struct scale {
	unsigned starts;
	unsigned n_levels;
	unsigned long level[LEVELS_MAX];
	unsigned long live;
	struct function *kept[LIVE_MAX];
	struct function *brief;
	struct invocation inv[BATCH];
	unsigned n_done;
	uint64_t drawn;
	struct samples create, many, few;
	struct memory before;
} scale;

/* Long enough for the keeper to have put everything in its place. */
#define PACE (1 * CLOCK_MS)

static double scale_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	double n = 0;
	int c;

	CHECK(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	(void)fclose(f);
	return n;
}

static void scale_look(struct memory *ret)
{
	ret->pss = inproc_kib("/proc/self/smaps_rollup", "Pss");
	ret->tables = inproc_kib("/proc/self/status", "VmPTE");
	ret->maps = scale_maps();
}

static void scale_before(struct inproc *b, struct worker *w)
{
	(void)b;
	(void)w;
	scale_look(&scale.before);
}

static void scale_print(struct inproc *b, struct worker *w)
{
	double n = (double)scale.live;
	struct memory now;

	(void)b;
	(void)w;
	scale_look(&now);
	printf("live %lu\n", scale.live);
	samples_print(&scale.create, "create");
	samples_print(&scale.many, "call");
	samples_print(&scale.few, "call_of_ten");
	printf("pss_kib %.2f\npage_tables_kib %.2f\nmaps %.0f\n",
		(now.pss - scale.before.pss) / n,
		(now.tables - scale.before.tables) / n, now.maps);
	(void)fflush(stdout);
}

static void scale_grow(struct inproc *b, struct worker *w, unsigned long to)
{
	for (; scale.live < to; scale.live++) {
		(void)inproc_call(b, w, scale.kept[scale.live], false);
		CHECK(b->inv.cold);
	}
	inproc_pause(w, 20 * CLOCK_MS);
}

static void scale_create(struct inproc *b, struct worker *w)
{
	for (unsigned i = 0; i < scale.starts; i++) {
		inproc_pause(w, PACE);
		samples_add(
			&scale.create, inproc_call(b, w, scale.brief, true));
		CHECK(b->inv.cold);
	}
	inproc_pause(w, 20 * CLOCK_MS);
}

static void scale_done(struct invocation *inv)
{
	CHECK(inv->outcome == OUTCOME_OK);
	bufpool_put(&inv->worker->pool, inv->reply);
	scale.n_done++;
}

/* Nanoseconds of one call in a batch. */
static uint64_t scale_batch(struct worker *w, unsigned long among)
{
	static const char request[] = "{\"name\":\"Ada\"}";
	uint64_t begin = clock_now();

	scale.n_done = 0;
	w->now = begin;
	for (unsigned i = 0; i < BATCH; i++) {
		scale.inv[i] = (struct invocation){
			.fn = scale.kept[draw_next(&scale.drawn) % among],
			.req = request,
			.req_len = sizeof(request) - 1,
			.done = scale_done,
		};
		invoke_start(w, &scale.inv[i]);
	}
	while (scale.n_done < BATCH)
		inproc_turn(w);
	return (clock_now() - begin) / BATCH;
}

static void scale_calls(struct worker *w, unsigned long among,
	struct samples *into, unsigned batches)
{
	/* What is there already is there for both. */
	for (unsigned i = 0; i < batches; i++)
		(void)scale_batch(w, among);
	for (unsigned i = 0; i < batches; i++)
		samples_add(into, scale_batch(w, among));
}

static void scale_work(struct inproc *b, struct worker *w)
{
	/* Once for everything that happens only once. */
	for (unsigned i = 0; i < 20; i++) {
		inproc_pause(w, PACE);
		(void)inproc_call(b, w, scale.brief, true);
	}
	inproc_pause(w, 50 * CLOCK_MS);
	inproc_ask(b, w, scale_before);
	for (unsigned i = 0; i < scale.n_levels; i++) {
		unsigned long n = scale.level[i];

		scale_grow(b, w, n);
		scale_create(b, w);
		scale_calls(w, n, &scale.many, BATCHES);
		scale_calls(w, n < FEW ? n : FEW, &scale.few, BATCHES);
		inproc_ask(b, w, scale_print);
	}
}

static bool scale_arguments(int argc, char **argv)
{
	int opt;

	scale.starts = 200;
	scale.drawn = DRAW_SEED;
	while ((opt = getopt(argc, argv, "n:c:")) != -1) {
		if (opt == 'n')
			scale.starts = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'c')
			inproc_native(optarg);
		else
			return false;
	}
	for (; optind < argc && scale.n_levels < LEVELS_MAX; optind++) {
		unsigned long n = strtoul(argv[optind], NULL, 10);

		if (n == 0 || n > LIVE_MAX ||
			(scale.n_levels && n < scale.level[scale.n_levels - 1]))
			return false;
		scale.level[scale.n_levels++] = n;
	}
	return scale.starts > 0 && scale.starts < SAMPLES_MAX &&
	       scale.n_levels > 0;
}

int main(int argc, char **argv)
{
	static struct inproc b;
	unsigned long most;
	char name[32];

	if (!scale_arguments(argc, argv)) {
		(void)fprintf(stderr, "usage: scale [-n STARTS] [-c FILE.so] "
				      "LIVE... (ascending)\n");
		return 2;
	}
	most = scale.level[scale.n_levels - 1];
	inproc_init(&b, most + LIVE_SPARE);
	/* With keys the calls of a batch wait for them. */
	b.rt.opt.max_queue = BATCH;
	for (unsigned long i = 0; i < most; i++) {
		(void)snprintf(name, sizeof(name), "kept%lu", i);
		scale.kept[i] = inproc_function(name, -1, ARENA_COMMON_BYTES);
	}
	scale.brief = inproc_function("brief", PACE / 2, ARENA_COMMON_BYTES);
	inproc_run(&b, scale_work, NULL);
	return 0;
}
