/* See many.h. T on worker and keeper, but for the function marked U. */
#include "tests/security/many.h"

#include <unistd.h>

#include "base/check.h"
#include "pkey/image.h"
#include "tests/security/smaps.h"

enum {
	RANGES = IMAGE_RANGES + MANY + 8,
	KEY_PARKED = 2, /* the box's second */
};

struct box_isolate many[MANY];
static unsigned n_many;
static int bound;

/* The keeper's errands. ---------------------------------------------------- */

static void range_add(struct smaps_range *ranges, size_t *n,
	const struct keys *keys, const struct domain *d)
{
	int key = domain_key(d) < 0 ? keys->parked : domain_key(d);

	ranges[*n].from = (uint64_t)d->base;
	ranges[*n].to = (uint64_t)d->base + d->len;
	ranges[*n].key = domain_dead(d) ? 0 : key;
	(*n)++;
}

static size_t ranges_shared(struct box *b, struct smaps_range *ranges)
{
	struct image image;
	size_t n = 0;

	if (image_read(&image) != 0)
		_exit(1);
	for (size_t i = 0; i < image.n_shared; i++)
		ranges[n++] = (struct smaps_range){
			(uint64_t)image.shared[i].addr,
			(uint64_t)image.shared[i].addr + image.shared[i].len,
			b->keys.shared};
	ranges[n++] = (struct smaps_range){(uint64_t)b->gate.pages,
		(uint64_t)b->gate.pages +
			(uint64_t)GATE_MAX_THREADS * GATE_PAGE_SIZE,
		b->keys.shared};
	return n;
}

static void errand_compare(struct box *b, void *arg)
{
	struct smaps_range ranges[RANGES];
	size_t n = ranges_shared(b, ranges);
	bool good;

	(void)arg;
	range_add(ranges, &n, &b->keys, &b->attacker.domain);
	range_add(ranges, &n, &b->keys, &b->other.domain);
	range_add(ranges, &n, &b->keys, &b->parked.domain);
	for (unsigned i = 0; i < n_many; i++)
		range_add(ranges, &n, &b->keys, &many[i].domain);
	good = smaps_agree(ranges, n, b->report->text, sizeof(b->report->text));
	b->report->number[good ? MANY_AGREE : MANY_DIFFER]++;
}

static void errand_new(struct box *b, void *arg)
{
	(void)arg;
	CHECK(n_many < MANY);
	if (box_isolate_new(b, &many[n_many]) == 0)
		n_many++;
}

static void errand_bind(struct box *b, void *arg)
{
	struct box_isolate *iso = arg;

	bound = domain_bind(&b->mux, &iso->domain);
}

static void errand_release(struct box *b, void *arg)
{
	struct box_isolate *iso = arg;

	bound = domain_release(&b->mux, &iso->domain);
}

void many_make(struct box *b, unsigned n)
{
	while (n-- > 0)
		box_keeper(b, errand_new, NULL);
}

void many_compare(struct box *b)
{
	box_keeper(b, errand_compare, NULL);
}

int many_bind(struct box *b, struct box_isolate *iso)
{
	box_keeper(b, errand_bind, iso);
	return bound;
}

int many_release(struct box *b, struct box_isolate *iso)
{
	box_keeper(b, errand_release, iso);
	return bound;
}

/* Serving. ----------------------------------------------------------------- */

/* U: counts its entries, says who it is. */
static void count_in(struct box_attack *a)
{
	for (;;)
		(void)gate_hostcall(BOX_DONE, a->n[0], ++a->value, 0, 0);
}

void many_serve(struct box *b, unsigned i, unsigned round)
{
	const struct box_attack a = {.n = {i}};
	static uint64_t now;
	struct box_end end;

	if (many_bind(b, &many[i]) != 0) {
		b->report->number[MANY_DEAD]++;
		return;
	}
	if (round == 0)
		box_prepare(b, &many[i], count_in, &a);
	box_enter(b, &many[i], &end);
	b->report->number[MANY_SERVED]++;
	b->report->number[MANY_WRONG] += end.how != GATE_LEFT ||
					 end.arg[0] != i ||
					 end.arg[1] != round + 1;
	(void)domain_unpin(&b->mux, &many[i].domain, ++now);
}

/* Tags that are not done. -------------------------------------------------- */

int many_tag_lying(void *addr, size_t len, int prot, int key)
{
	(void)addr;
	(void)len;
	(void)prot;
	(void)key;
	return 0;
}

int many_tag_lends_only(void *addr, size_t len, int prot, int key)
{
	return key == KEY_PARKED ? 0 : prim_mpk.tag(addr, len, prot, key);
}
