/*
 * Domains and the key multiplexer; see domain.h for the protocol. Trusted side:
 * pins on workers, the rest on the keeper.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "pkey/mux.h"
#include "pkey/wipe.h"

/* The word: bits 0-7 key, 8-15 pins, flags above. */
enum {
	WORD_KEY = 0xff,
	WORD_PIN = 0x100,
	WORD_PINS = 0xff00,
	WORD_PARKED = 0x10000,
	WORD_DEAD = 0x20000,
	WORD_LEAVING = 0x40000, /* beside a key */
};

void domain_mux_init(struct domain_mux *mux, const struct keys *keys)
{
	memset(mux, 0, sizeof(*mux));
	mux->keys = keys;
	list_init(&mux->line);
	mux_set_policy(mux, &mux_policies[MUX_LRU], 0);
	for (unsigned i = 0; i < keys->n_isolate; i++)
		mux->slot[i].key = keys->isolate[i];
}

/* A new life: what was known of the one before says nothing of this one. */
static void domain_unlearn(struct domain *d)
{
	atomic_store_explicit(&d->used, 0, memory_order_relaxed);
	atomic_store_explicit(&d->interval, 0, memory_order_relaxed);
}

int domain_init(
	struct domain *d, const struct keys *keys, void *base, size_t len)
{
	d->base = base;
	d->len = len;
	d->n_parts = 0;
	d->waits = false;
	domain_unlearn(d);
	atomic_store(&d->word, keys->prim->hardware ? WORD_PARKED : 0);
	return keys->prim->tag(base, len, PROT_READ | PROT_WRITE, keys->parked);
}

int domain_pin(struct domain *d)
{
	uint32_t word = atomic_load(&d->word);

	do {
		if (word & (WORD_PARKED | WORD_DEAD))
			return -1;
		if ((word & WORD_LEAVING) && !(word & WORD_PINS))
			return -1;
		CHECK((word & WORD_PINS) < 127 * WORD_PIN);
	} while (!atomic_compare_exchange_weak(
		&d->word, &word, word + WORD_PIN));
	return word & WORD_KEY;
}

/* Plain loads and stores: a domain belongs to one worker at a time. */
static void domain_learn(struct domain *d, uint64_t now)
{
	uint64_t used = atomic_load_explicit(&d->used, memory_order_relaxed);
	uint64_t mean =
		atomic_load_explicit(&d->interval, memory_order_relaxed);
	uint64_t last = now > used ? now - used : 1;

	if (used != 0) {
		mean = mean ? mean - mean / 4 + last / 4 : last;
		atomic_store_explicit(
			&d->interval, mean ? mean : 1, memory_order_relaxed);
	}
	atomic_store_explicit(&d->used, now, memory_order_relaxed);
}

bool domain_unpin(struct domain_mux *mux, struct domain *d, uint64_t now)
{
	uint32_t was;

	domain_learn(d, now);
	was = atomic_fetch_sub(&d->word, WORD_PIN);
	CHECK((was & WORD_PINS) != 0);
	return atomic_load(&mux->wanted);
}

int domain_key(const struct domain *d)
{
	uint32_t word = atomic_load(&d->word);

	return word & (WORD_PARKED | WORD_DEAD) ? -1 : (int)(word & WORD_KEY);
}

unsigned domain_pins(const struct domain *d)
{
	return (atomic_load(&d->word) & WORD_PINS) / WORD_PIN;
}

bool domain_dead(const struct domain *d)
{
	return atomic_load(&d->word) & WORD_DEAD;
}

/* The line. ---------------------------------------------------------------- */

/* Nobody waits: who was to leave may stay. */
static void domain_reprieve(struct domain_mux *mux)
{
	if (mux->leaver)
		atomic_fetch_and(
			&mux->leaver->owner->word, ~(uint32_t)WORD_LEAVING);
	mux->leaver = NULL;
}

static void domain_dequeue(struct domain_mux *mux, struct domain *d)
{
	if (d->waits)
		list_remove(&d->wait);
	d->waits = false;
	if (list_empty(&mux->line))
		domain_reprieve(mux);
}

static void domain_enqueue(struct domain_mux *mux, struct domain *d)
{
	if (d->waits)
		return;
	list_push_back(&mux->line, &d->wait);
	d->waits = true;
	atomic_fetch_add(&mux->waits, 1);
}

static bool domain_is_next(struct domain_mux *mux, const struct domain *d)
{
	struct list *first = list_first(&mux->line);

	return !first || first == &d->wait;
}

/* Tagging. ----------------------------------------------------------------- */

/* After a failed retag: see domain_bind() in the header. */
static void domain_kill(struct domain_mux *mux, struct domain *d)
{
	CHECK(wipe_range(d->base, d->len) == 0);
	domain_dequeue(mux, d);
	atomic_store(&d->word, WORD_PARKED | WORD_DEAD);
	atomic_fetch_add(&mux->killed, 1);
}

/* What lies between `from` and the part, then the part. */
static int domain_tag_part(struct domain_mux *mux, const struct domain *d,
	size_t from, const struct domain_part *p, int key)
{
	const int prot = PROT_READ | (p->code ? PROT_EXEC : 0);
	char *base = d->base;
	size_t at = (size_t)p->at * DOMAIN_PAGE;
	int r = 0;

	if (at > from)
		r = mux->keys->prim->tag(
			base + from, at - from, PROT_READ | PROT_WRITE, key);
	if (r == 0)
		r = mux->keys->prim->tag(
			base + at, (size_t)p->pages * DOMAIN_PAGE, prot, key);
	return r;
}

static int domain_tag(struct domain_mux *mux, const struct domain *d, int key)
{
	size_t done = 0;
	int r = 0;

	for (unsigned i = 0; i < d->n_parts && r == 0; i++) {
		const struct domain_part *p = &d->parts[i];

		r = domain_tag_part(mux, d, done, p, key);
		done = (size_t)(p->at + p->pages) * DOMAIN_PAGE;
	}
	if (r == 0 && done < d->len)
		r = mux->keys->prim->tag((char *)d->base + done, d->len - done,
			PROT_READ | PROT_WRITE, key);
	if (r == 0)
		atomic_fetch_add_explicit(&mux->retagged, d->len / DOMAIN_PAGE,
			memory_order_relaxed);
	return r;
}

void domain_set_parts(
	struct domain *d, const struct domain_part *parts, unsigned n)
{
	size_t done = 0;

	CHECK(n <= DOMAIN_PARTS_MAX);
	for (unsigned i = 0; i < n; i++) {
		CHECK(parts[i].at >= done && parts[i].pages > 0);
		done = (size_t)parts[i].at + parts[i].pages;
		d->parts[i] = parts[i];
	}
	CHECK(done <= d->len / DOMAIN_PAGE);
	d->n_parts = n;
}

bool domain_writable(const struct domain *d, uint64_t at, uint64_t len)
{
	uint64_t base = (uint64_t)d->base;

	if (at < base || at - base > d->len || len > d->len - (at - base))
		return false;
	for (unsigned i = 0; i < d->n_parts; i++) {
		uint64_t from = base + (uint64_t)d->parts[i].at * DOMAIN_PAGE;
		uint64_t to = from + (uint64_t)d->parts[i].pages * DOMAIN_PAGE;

		if (at < to && at + len > from)
			return false;
	}
	return true;
}

int domain_park(struct domain_mux *mux, struct domain *d)
{
	int r = 0;

	CHECK(domain_key(d) < 0 || !mux->keys->prim->hardware);
	if (mux->keys->prim->hardware && !domain_dead(d))
		r = domain_tag(mux, d, mux->keys->parked);
	if (r < 0)
		domain_kill(mux, d);
	return r;
}

/* Lending. ----------------------------------------------------------------- */

/* False: somebody pinned it in the meantime. */
static bool domain_claim(struct domain *d)
{
	uint32_t word = atomic_load(&d->word) & (WORD_KEY | WORD_LEAVING);

	return atomic_compare_exchange_strong(&d->word, &word, WORD_PARKED);
}

static void domain_disown(struct domain_mux *mux, struct domain_key *s)
{
	if (mux->leaver == s)
		mux->leaver = NULL;
	s->owner = NULL;
}

/* Takes the key of an owner that was claimed. */
static void domain_evict(struct domain_mux *mux, struct domain_key *s)
{
	struct domain *d = s->owner;

	domain_disown(mux, s);
	if (domain_tag(mux, d, mux->keys->parked) != 0)
		domain_kill(mux, d);
	s->steals++;
	atomic_fetch_add(&mux->evictions, 1);
}

/* The slots whose owners have no pin; *ret_free: one without an owner. */
static unsigned domain_idle_slots(
	struct domain_mux *mux, struct domain_key **ret_free)
{
	unsigned among = 0;

	*ret_free = NULL;
	for (unsigned i = mux->keys->n_isolate; i-- > 0;) {
		struct domain_key *s = &mux->slot[i];

		if (!s->owner)
			*ret_free = s;
		else if (!(atomic_load(&s->owner->word) & WORD_PINS))
			among |= 1u << i;
	}
	return among;
}

static unsigned domain_pick(struct domain_mux *mux, unsigned among)
{
	unsigned i;

	if (mux->leaver && (among & (1u << (mux->leaver - mux->slot))))
		return (unsigned)(mux->leaver - mux->slot);
	i = mux->policy->pick(mux, among);
	CHECK(i < PRIM_KEYS && (among & (1u << i)));
	return i;
}

/* A slot whose key is nobody's, by taking it if need be; NULL: all are
 * pinned. */
static struct domain_key *domain_free_slot(struct domain_mux *mux)
{
	struct domain_key *s;
	unsigned among = domain_idle_slots(mux, &s);

	while (!s && among) {
		unsigned i = domain_pick(mux, among);

		among &= ~(1u << i);
		if (domain_claim(mux->slot[i].owner)) {
			s = &mux->slot[i];
			domain_evict(mux, s);
		}
	}
	return s;
}

/* Every slot has an owner with a pin. */
static void domain_mark_leaver(struct domain_mux *mux)
{
	unsigned all = (1u << mux->keys->n_isolate) - 1;

	if (mux->leaver)
		return;
	mux->leaver = &mux->slot[domain_pick(mux, all)];
	atomic_fetch_or(&mux->leaver->owner->word, WORD_LEAVING);
}

static struct domain_key *domain_wait_slot(struct domain_mux *mux)
{
	struct domain_key *s = domain_free_slot(mux);

	if (s)
		return s;
	/* Announce first, then look again: an unpin in between is seen by one
	 * of the two. */
	atomic_store(&mux->wanted, true);
	domain_mark_leaver(mux);
	return domain_free_slot(mux);
}

static int domain_lend(
	struct domain_mux *mux, struct domain *d, struct domain_key *s)
{
	int r = domain_tag(mux, d, s->key);

	if (r < 0) {
		domain_kill(mux, d);
		return r;
	}
	s->owner = d;
	s->binds++;
	atomic_fetch_add(&mux->binds, 1);
	atomic_store(&d->word, (uint32_t)s->key | WORD_PIN);
	domain_dequeue(mux, d);
	return 0;
}

/* It was to leave, and is the next to be served: it has what it wants. */
static void domain_stay(struct domain_mux *mux, struct domain *d)
{
	domain_reprieve(mux);
	CHECK(domain_pin(d) >= 0);
	domain_dequeue(mux, d);
}

/* It got its pin without a change of keys. */
static int domain_kept(struct domain_mux *mux, const struct domain *d)
{
	for (unsigned i = 0; i < mux->keys->n_isolate; i++)
		mux->slot[i].kept += mux->slot[i].owner == d;
	return 0;
}

int domain_bind(struct domain_mux *mux, struct domain *d)
{
	struct domain_key *s = NULL;

	if (domain_dead(d))
		return -EIO;
	if (domain_pin(d) >= 0)
		return domain_kept(mux, d);
	if (domain_is_next(mux, d)) {
		if (domain_key(d) >= 0) {
			domain_stay(mux, d);
			return domain_kept(mux, d);
		}
		s = domain_wait_slot(mux);
	}
	if (s)
		return domain_lend(mux, d, s);
	atomic_store(&mux->wanted, true);
	domain_enqueue(mux, d);
	return DOMAIN_E_BUSY;
}

static void domain_unlend(struct domain_mux *mux, const struct domain *d)
{
	for (unsigned i = 0; i < mux->keys->n_isolate; i++)
		if (mux->slot[i].owner == d)
			domain_disown(mux, &mux->slot[i]);
}

/* Whatever it waited for or was used for is over. */
static void domain_end(struct domain_mux *mux, struct domain *d)
{
	domain_dequeue(mux, d);
	domain_unlearn(d);
}

void domain_forget(struct domain_mux *mux, struct domain *d)
{
	domain_end(mux, d);
	if (!mux->keys->prim->hardware || domain_key(d) < 0)
		return;
	CHECK(domain_claim(d));
	domain_unlend(mux, d);
}

int domain_release(struct domain_mux *mux, struct domain *d)
{
	int r = 0;

	domain_end(mux, d);
	if (!mux->keys->prim->hardware || domain_key(d) < 0)
		return 0;
	CHECK(domain_claim(d));
	domain_unlend(mux, d);
	r = domain_tag(mux, d, mux->keys->parked);
	if (r < 0)
		domain_kill(mux, d);
	return r;
}
