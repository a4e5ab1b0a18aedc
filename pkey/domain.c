/*
 * Domains and the key multiplexer; see domain.h for the protocol. Trusted side:
 * pins on workers, the rest on the keeper.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "pkey/domain.h"

/* The word: bits 0-7 key, 8-15 pins, flags above. */
enum {
	WORD_KEY = 0xff,
	WORD_PIN = 0x100,
	WORD_PINS = 0xff00,
	WORD_PARKED = 0x10000,
	WORD_DEAD = 0x20000,
};

void domain_mux_init(struct domain_mux *mux, const struct keys *keys)
{
	memset(mux, 0, sizeof(*mux));
	mux->keys = keys;
	for (unsigned i = 0; i < keys->n_isolate; i++)
		mux->slot[i].key = keys->isolate[i];
}

int domain_init(
	struct domain *d, const struct keys *keys, void *base, size_t len)
{
	d->base = base;
	d->len = len;
	d->n_parts = 0;
	atomic_store(&d->used, 0);
	atomic_store(&d->word, keys->prim->hardware ? WORD_PARKED : 0);
	return keys->prim->tag(base, len, PROT_READ | PROT_WRITE, keys->parked);
}

int domain_pin(struct domain *d)
{
	uint32_t word = atomic_load(&d->word);

	do {
		if (word & (WORD_PARKED | WORD_DEAD))
			return -1;
		CHECK((word & WORD_PINS) < 127 * WORD_PIN);
	} while (!atomic_compare_exchange_weak(
		&d->word, &word, word + WORD_PIN));
	return word & WORD_KEY;
}

bool domain_unpin(struct domain_mux *mux, struct domain *d, uint64_t now)
{
	uint32_t was;

	atomic_store_explicit(&d->used, now, memory_order_relaxed);
	was = atomic_fetch_sub(&d->word, WORD_PIN);
	CHECK((was & WORD_PINS) != 0);
	return atomic_load(&mux->wanted);
}

int domain_key(const struct domain *d)
{
	uint32_t word = atomic_load(&d->word);

	return word & (WORD_PARKED | WORD_DEAD) ? -1 : (int)(word & WORD_KEY);
}

bool domain_dead(const struct domain *d)
{
	return atomic_load(&d->word) & WORD_DEAD;
}

/* After a failed retag: see domain_bind() in the header. */
static void domain_kill(struct domain_mux *mux, struct domain *d)
{
	void *p = mmap(d->base, d->len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);

	CHECK(p == d->base);
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

/* False: somebody pinned it in the meantime. */
static bool domain_claim(struct domain *d)
{
	uint32_t word = atomic_load(&d->word) & WORD_KEY;

	return atomic_compare_exchange_strong(&d->word, &word, WORD_PARKED);
}

/* The slot whose owner was used least recently and has no pin, without one
 * first of all; NULL when all are pinned. Its key is nobody's afterwards. */
static struct domain_key *domain_free_slot(struct domain_mux *mux)
{
	struct domain_key *lru;

	for (;;) {
		lru = NULL;
		for (unsigned i = 0; i < mux->keys->n_isolate; i++) {
			struct domain_key *s = &mux->slot[i];

			if (!s->owner)
				return s;
			if (atomic_load(&s->owner->word) & WORD_PINS)
				continue;
			if (!lru || atomic_load(&s->owner->used) <
					    atomic_load(&lru->owner->used))
				lru = s;
		}
		if (!lru || domain_claim(lru->owner))
			break;
	}
	if (!lru)
		return NULL;
	if (domain_tag(mux, lru->owner, mux->keys->parked) != 0)
		domain_kill(mux, lru->owner);
	lru->owner = NULL;
	lru->steals++;
	atomic_fetch_add(&mux->evictions, 1);
	return lru;
}

static struct domain_key *domain_wait_slot(struct domain_mux *mux)
{
	struct domain_key *s = domain_free_slot(mux);

	if (s)
		return s;
	/* Announce first, then look again: an unpin in between is seen by one
	 * of the two. */
	atomic_store(&mux->wanted, true);
	s = domain_free_slot(mux);
	if (!s)
		atomic_fetch_add(&mux->waits, 1);
	return s;
}

int domain_bind(struct domain_mux *mux, struct domain *d)
{
	struct domain_key *s;
	int r;

	if (domain_dead(d))
		return -EIO;
	if (domain_pin(d) >= 0)
		return 0;
	s = domain_wait_slot(mux);
	if (!s)
		return DOMAIN_E_BUSY;
	r = domain_tag(mux, d, s->key);
	if (r < 0) {
		domain_kill(mux, d);
		return r;
	}
	s->owner = d;
	s->binds++;
	atomic_fetch_add(&mux->binds, 1);
	atomic_store(&d->word, (uint32_t)s->key | WORD_PIN);
	return 0;
}

static void domain_unlend(struct domain_mux *mux, const struct domain *d)
{
	for (unsigned i = 0; i < mux->keys->n_isolate; i++)
		if (mux->slot[i].owner == d)
			mux->slot[i].owner = NULL;
}

void domain_forget(struct domain_mux *mux, struct domain *d)
{
	if (!mux->keys->prim->hardware || domain_key(d) < 0)
		return;
	CHECK(domain_claim(d));
	domain_unlend(mux, d);
}

int domain_release(struct domain_mux *mux, struct domain *d)
{
	int r = 0;

	if (!mux->keys->prim->hardware || domain_key(d) < 0)
		return 0;
	CHECK(domain_claim(d));
	r = domain_tag(mux, d, mux->keys->parked);
	if (r < 0)
		domain_kill(mux, d);
	domain_unlend(mux, d);
	return r;
}
