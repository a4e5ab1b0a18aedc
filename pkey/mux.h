#pragma once
/*
 * Who loses a key when one is wanted and none is free: the policies of the
 * multiplexer (domain.h). A policy only chooses among slots that may be taken;
 * it can make the runtime slow, never wrong.
 *
 * Keeper. What a policy goes by is written by workers at each unpin: domain's
 * `used` and `interval`.
 */
#include "pkey/domain.h"

struct mux_policy {
	const char *name;
	/* The number of one slot of `among` (bit i: slot i; never empty). All
	 * of them have owners. May use mux->memory, which starts as a seed. */
	unsigned (*pick)(struct domain_mux *mux, unsigned among);
};

enum mux_kind {
	MUX_LRU,	 /* the least recently used */
	MUX_ROUND_ROBIN, /* one after the other; who was served stays */
	MUX_RANDOM,
	MUX_INTERVAL, /* whose uses are the furthest apart */
	MUX_KINDS,
};

extern const struct mux_policy mux_policies[MUX_KINDS];

/* Before the first bind; without it, the least recently used one goes. */
void mux_set_policy(
	struct domain_mux *mux, const struct mux_policy *policy, uint64_t seed);
