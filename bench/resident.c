/*
 * bench/resident: what does an idle isolate cost? Resident bytes and page
 * tables of the process while it makes isolates of different functions, each
 * called once and then left alone; the slope over their number.
 *
 *     resident [ISOLATES [FILE.so]]
 *
 * Trusted side; prints lines of "name value".
 */
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "inproc.h"
#include "sample.h"
#include "util/clock.h"

enum {
	ISOLATES_MAX = 10000,
	STEPS = 10
};

/* A straight line through (number of isolates, KiB). */
struct line {
	double n, x, y, xx, xy;
};

static struct resident {
	unsigned long total;
	unsigned long live;
	struct function *fn[ISOLATES_MAX + 1];
	struct line rss, pss, tables;
} resident;

static void line_add(struct line *l, double x, double y)
{
	l->n++;
	l->x += x;
	l->y += y;
	l->xx += x * x;
	l->xy += x * y;
}

static double line_slope(const struct line *l)
{
	return (l->n * l->xy - l->x * l->y) / (l->n * l->xx - l->x * l->x);
}

static void resident_look(struct inproc *b, struct worker *w)
{
	double x = (double)resident.live;

	(void)b;
	(void)w;
	line_add(
		&resident.rss, x, inproc_kib("/proc/self/smaps_rollup", "Rss"));
	line_add(
		&resident.pss, x, inproc_kib("/proc/self/smaps_rollup", "Pss"));
	line_add(&resident.tables, x, inproc_kib("/proc/self/status", "VmPTE"));
}

static void resident_work(struct inproc *b, struct worker *w)
{
	/* What the first one costs once and for all. */
	(void)inproc_call(b, w, resident.fn[resident.total], false);
	inproc_ask(b, w, resident_look);
	resident.rss = resident.pss = resident.tables = (struct line){0};
	for (unsigned long step = 1; step <= STEPS; step++) {
		unsigned long to = resident.total * step / STEPS;

		for (; resident.live < to; resident.live++)
			(void)inproc_call(
				b, w, resident.fn[resident.live], false);
		inproc_pause(w, 30 * CLOCK_MS);
		inproc_ask(b, w, resident_look);
	}
}

int main(int argc, char **argv)
{
	static struct inproc b;
	char name[32];

	resident.total = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	if (resident.total < STEPS || resident.total > ISOLATES_MAX) {
		(void)fprintf(stderr, "usage: resident [ISOLATES [FILE.so]]\n");
		return 2;
	}
	if (argc > 2)
		inproc_native(argv[2]);
	inproc_init(&b, resident.total + 100);
	for (unsigned long i = 0; i <= resident.total; i++) {
		(void)snprintf(name, sizeof(name), "idle%lu", i);
		resident.fn[i] = inproc_function(name, -1, ARENA_COMMON_BYTES);
	}
	inproc_run(&b, resident_work, NULL);
	printf("isolates %lu\nrss_kib %.2f\npss_kib %.2f\n"
	       "page_tables_kib %.2f\n",
		resident.live, line_slope(&resident.rss),
		line_slope(&resident.pss), line_slope(&resident.tables));
	return 0;
}
