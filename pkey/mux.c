/*
 * The policies; see mux.h. Trusted side, keeper.
 *
 * "interval" asks how often a domain is used, not how lately: of a thousand
 * functions most are called once in a long while, and under LRU each such call
 * takes a key from one that will be called again soon. A domain keeps its
 * history while it is parked, so the frequent ones get their keys back for
 * good. The mean is over the last few uses, weighed with the time since: who
 * was frequent and is no more loses its key as well.
 */
#include "base/check.h"
#include "pkey/mux.h"

static const struct domain *mux_owner(
	const struct domain_mux *mux, unsigned slot)
{
	return mux->slot[slot].owner;
}

/* The lowest score of `among`; the first of equals. */
static unsigned mux_lowest(const struct domain_mux *mux, unsigned among,
	int64_t (*score)(const struct domain *d))
{
	unsigned best = (unsigned)__builtin_ctz(among);
	int64_t least = score(mux_owner(mux, best));

	for (among &= among - 1; among; among &= among - 1) {
		unsigned i = (unsigned)__builtin_ctz(among);
		int64_t s = score(mux_owner(mux, i));

		if (s < least) {
			least = s;
			best = i;
		}
	}
	return best;
}

static int64_t lru_score(const struct domain *d)
{
	return (int64_t)atomic_load_explicit(&d->used, memory_order_relaxed);
}

static unsigned lru_pick(struct domain_mux *mux, unsigned among)
{
	return mux_lowest(mux, among, lru_score);
}

/* How long until the next use, as the mean of three intervals seen and the one
 * that runs: (3 * interval + now - used) / 4. As `now` is the same for all, it
 * need not be known. Used once only: before all others, LRU among them. */
static int64_t interval_score(const struct domain *d)
{
	int64_t used = lru_score(d);
	int64_t interval = (int64_t)atomic_load_explicit(
		&d->interval, memory_order_relaxed);

	return interval == 0 ? INT64_MIN + used : used - 3 * interval;
}

static unsigned interval_pick(struct domain_mux *mux, unsigned among)
{
	return mux_lowest(mux, among, interval_score);
}

/* memory: the slot whose turn it is. */
static unsigned round_robin_pick(struct domain_mux *mux, unsigned among)
{
	unsigned hand = (unsigned)(mux->memory % PRIM_KEYS);
	unsigned ahead = among & (~0u << hand);
	unsigned i = (unsigned)__builtin_ctz(ahead ? ahead : among);

	mux->memory = i + 1;
	return i;
}

/* memory: xorshift64, Marsaglia 2003. */
static unsigned random_pick(struct domain_mux *mux, unsigned among)
{
	uint64_t x = mux->memory;
	unsigned skip;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	mux->memory = x;
	skip = (unsigned)((x >> 32) % (unsigned)__builtin_popcount(among));
	while (skip--)
		among &= among - 1;
	return (unsigned)__builtin_ctz(among);
}

const struct mux_policy mux_policies[MUX_KINDS] = {
	[MUX_LRU] = {"lru", lru_pick},
	[MUX_ROUND_ROBIN] = {"round-robin", round_robin_pick},
	[MUX_RANDOM] = {"random", random_pick},
	[MUX_INTERVAL] = {"interval", interval_pick},
};

void mux_set_policy(
	struct domain_mux *mux, const struct mux_policy *policy, uint64_t seed)
{
	mux->policy = policy;
	mux->memory = seed ? seed : 1;
}
