/*
 * Cells: each metric has a run of them per block, one per series, or
 * METRICS_HIST_CELLS per series of a histogram. Where a run begins is worked
 * out once from the table (metrics_first, the only global). Writes are relaxed
 * loads and stores instead of atomic additions, since a block has one writer; a
 * scrape in the middle sees a count or a sum one observation apart, never more.
 */
#include "util/metrics.h"

#include "base/check.h"

static uint16_t metrics_first[METRIC_COUNT];

static unsigned series_count(const struct metrics_desc *d)
{
	unsigned n = 0;

	if (!d->label)
		return 1;
	while (n < METRICS_SERIES_MAX && d->series[n])
		n++;
	return n;
}

static unsigned series_cells(const struct metrics_desc *d)
{
	return d->type == METRIC_HISTOGRAM ? METRICS_HIST_CELLS : 1;
}

void metrics_init(void)
{
	unsigned at = 0;

	for (int m = 0; m < METRIC_COUNT; m++) {
		const struct metrics_desc *d = &metrics_table[m];

		metrics_first[m] = (uint16_t)at;
		at += series_count(d) * series_cells(d);
	}
	CHECK(at <= METRICS_CELLS);
}

static unsigned cell_index(enum metric m, unsigned series)
{
	CHECK_SLOW(series < series_count(&metrics_table[m]));
	return metrics_first[m] + series * series_cells(&metrics_table[m]);
}

static uint64_t cell_get(const struct metrics_block *b, unsigned i)
{
	return atomic_load_explicit(&b->cell[i], memory_order_relaxed);
}

static void cell_add(struct metrics_block *b, unsigned i, uint64_t n)
{
	atomic_store_explicit(
		&b->cell[i], cell_get(b, i) + n, memory_order_relaxed);
}

void metrics_add(
	struct metrics_block *b, enum metric m, unsigned series, int64_t n)
{
	cell_add(b, cell_index(m, series), (uint64_t)n);
}

void metrics_set(
	struct metrics_block *b, enum metric m, unsigned series, uint64_t v)
{
	atomic_store_explicit(
		&b->cell[cell_index(m, series)], v, memory_order_relaxed);
}

void metrics_observe(
	struct metrics_block *b, enum metric m, unsigned series, uint64_t ns)
{
	const uint64_t *bounds = metrics_table[m].bounds;
	unsigned at = cell_index(m, series), i = 0;

	while (i < METRICS_BUCKETS && ns > bounds[i])
		i++;
	cell_add(b, at + i, 1);
	cell_add(b, at + METRICS_BUCKETS + 1, ns);
}

void metrics_hist(struct metrics_block *const *blocks, size_t n, enum metric m,
	unsigned series, uint64_t ret_cells[METRICS_HIST_CELLS])
{
	unsigned at = cell_index(m, series);

	CHECK(metrics_table[m].type == METRIC_HISTOGRAM);
	for (unsigned i = 0; i < METRICS_HIST_CELLS; i++) {
		ret_cells[i] = 0;
		for (size_t k = 0; k < n; k++)
			ret_cells[i] += cell_get(blocks[k], at + i);
	}
}

uint64_t metrics_sum(struct metrics_block *const *blocks, size_t n,
	enum metric m, unsigned series)
{
	unsigned at = cell_index(m, series);
	unsigned cells = metrics_table[m].type == METRIC_HISTOGRAM
				 ? METRICS_BUCKETS + 1
				 : 1;
	uint64_t sum = 0;

	for (size_t k = 0; k < n; k++)
		for (unsigned i = 0; i < cells; i++)
			sum += cell_get(blocks[k], at + i);
	return sum;
}

void metrics_text(
	struct buf *out, struct metrics_block *const *blocks, size_t n)
{
	for (int i = 0; i < METRIC_COUNT; i++) {
		const struct metrics_desc *d = &metrics_table[i];
		enum metric m = (enum metric)i;

		metrics_text_family(out, d->name, d->help, d->type);
		for (unsigned s = 0; s < series_count(d); s++) {
			struct metrics_label label = {d->label, d->series[s]};
			uint64_t cells[METRICS_HIST_CELLS];
			size_t labels = d->label ? 1 : 0;

			if (d->type == METRIC_HISTOGRAM) {
				metrics_hist(blocks, n, m, s, cells);
				metrics_text_hist(out, d->name, &label, labels,
					d->bounds, cells);
			} else {
				metrics_text_u64(out, d->name, &label, labels,
					metrics_sum(blocks, n, m, s));
			}
		}
	}
}
