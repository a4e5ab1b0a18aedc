#pragma once
/*
 * The scanner over this very process: every executable mapping it has.
 *
 * Trusted side, at start, after all code is mapped and before the first
 * isolate; other threads must not map code meanwhile. It judges nothing: the
 * caller, who knows where the gate stands, decides on each hit.
 */
#include "sandbox/scan.h"

enum {
	SCAN_MAP_NAME = 128
};

/* One executable mapping. */
struct scan_map {
	uint64_t start;
	uint64_t end;
	char name[SCAN_MAP_NAME]; /* as in /proc/self/maps, cut; may be "" */
};

/* What was looked at. */
struct scan_self_sum {
	size_t n_maps;
	uint64_t n_bytes;
	size_t n_hits;
};

/* hit->offset is an address; `map` the mapping in which the sequence ends.
 * false ends the scan. */
typedef bool scan_self_fn(
	void *arg, const struct scan_hit *hit, const struct scan_map *map);

/*
 * Mappings that touch are scanned as one. The vdso is included. The vsyscall
 * page alone is passed over where it can't be read: it holds fixed kernel code.
 * Returns 0, or -errno: -EACCES when another executable mapping is unreadable,
 * which means that nobody knows what is in it.
 */
int scan_self(unsigned classes, scan_self_fn *hit, void *arg,
	struct scan_self_sum *ret_sum);
