#pragma once
/*
 * Domains and the key multiplexer.
 *
 * A domain is the memory of one isolate. It is *resident* while it holds one of
 * the isolate keys, else *parked*: its pages carry key P, which no PKRU opens.
 * There are thousands of domains and about 13 keys; the multiplexer lends keys
 * by a policy (mux.h), least recent use if nobody says otherwise.
 *
 * Two sides, no lock between them:
 *   worker   domain_pin() before an entry, domain_unpin() after it. A pinned
 *            domain keeps its key. A hit is one compare-and-swap.
 *   keeper   domain_bind(), domain_release(): the only callers of tag().
 *
 * The word of a domain holds {key, pins, parking, leaving}. The keeper takes a
 * key away only by swapping {key, 0 pins} for {parking}: a worker that pins
 * before loses nothing, one that pins after finds no key and asks for a bind.
 * So PKRU values of a key that went elsewhere can't be in use: they are
 * computed after a pin and dropped before the unpin.
 *
 * Who finds every key pinned stands in line, without a key of its own to hold.
 * Keys are lent in the line's order, and for its first one domain is marked as
 * leaving: what is pinned may end, but from no pins it gets none, and its
 * worker stands in line with the others. So a wait ends when that domain's
 * present use does, however busy the others are.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "pkey/keys.h"

/* A piece of a domain that is not to be written to. */
struct domain_part {
	uint32_t at; /* pages from the start of the domain */
	uint32_t pages;
	bool code; /* executable */
};

enum {
	DOMAIN_PAGE = 4096,
	DOMAIN_PARTS_MAX = 8,
};

struct domain {
	void *base; /* the range that carries the key */
	size_t len;
	/* Ascending, none touching another; all else can be written to. */
	struct domain_part parts[DOMAIN_PARTS_MAX];
	unsigned n_parts;
	_Atomic uint32_t word;
	/* Policies go by these; the worker that unpins writes them. */
	_Atomic uint64_t used;	   /* when last unpinned, any monotonic unit */
	_Atomic uint64_t interval; /* mean time between uses; 0: not known */
	/* Keeper. In line for a key. */
	struct list wait;
	bool waits;
};

struct domain_key {
	int key;
	struct domain *owner;
	uint64_t binds;	 /* times lent */
	uint64_t kept;	 /* binds of a domain that held it meanwhile */
	uint64_t steals; /* times taken from an idle domain */
};

struct mux_policy;

struct domain_mux {
	const struct keys *keys;
	struct domain_key slot[PRIM_KEYS];
	const struct mux_policy *policy;
	uint64_t memory;	   /* the policy's */
	struct list line;	   /* domains that wait */
	struct domain_key *leaver; /* whose owner is leaving, or NULL */
	/* Relaxed counters for metrics; the keeper writes, anybody reads. */
	_Atomic uint64_t binds; /* keys lent, stolen ones among them */
	_Atomic uint64_t evictions;
	_Atomic uint64_t waits; /* binds that had to stand in line */
	_Atomic uint64_t killed;
	_Atomic uint64_t retagged; /* pages whose key was changed */
	/* A bind found every key pinned: the next unpin wakes the keeper. */
	_Atomic bool wanted;
};

/* Conditions of domain_bind(). */
enum domain_e {
	DOMAIN_E_BUSY = 1, /* stands in line: try again after an unpin */
};

void domain_mux_init(struct domain_mux *mux, const struct keys *keys);

/*
 * Keeper. Makes [base, base+len) a domain: accessible, key P. Without keys it
 * is resident for good. -errno: nothing may be put there; unmap it.
 */
int domain_init(
	struct domain *d, const struct keys *keys, void *base, size_t len);

/*
 * Keeper, for a domain that holds no key and in which read-only pages or code
 * were mapped anew: from the next tag on the parts keep their rights.
 */
void domain_set_parts(
	struct domain *d, const struct domain_part *parts, unsigned n);
/* Keeper. Gives all of it key P again. 0, or -errno: it was killed. */
int domain_park(struct domain_mux *mux, struct domain *d);

/*
 * Worker. The key held, with one more pin; -1: parked or leaving, ask the
 * keeper. Without keys always 0. At most 127 pins. One that is pinned already
 * never gets -1.
 */
int domain_pin(struct domain *d);
/* Worker. Returns true when the keeper is to be woken (mux->wanted). */
bool domain_unpin(struct domain_mux *mux, struct domain *d, uint64_t now);

/*
 * Keeper. Gives d a key, for which an idle domain may lose its own, and pins it
 * for the worker that asked. 0; DOMAIN_E_BUSY: it waits, and those behind it
 * with it, until it is bound, released or forgotten; or -errno: d was killed
 * (see below) and must be destroyed.
 *
 * When a retag fails the pages' key is unknown. The domain concerned is then
 * killed: its range is replaced by an inaccessible mapping, so that the key can
 * be lent again; should that fail too, the process ends.
 */
int domain_bind(struct domain_mux *mux, struct domain *d);

/* Keeper. Takes d's key away for good (destroy); no pins may be left. */
int domain_release(struct domain_mux *mux, struct domain *d);

/* The same, after d's range was replaced by an inaccessible mapping. */
void domain_forget(struct domain_mux *mux, struct domain *d);

/* Anybody: the key held, or -1. A snapshot. */
int domain_key(const struct domain *d);
/* Anybody: how many pins it has. A snapshot. */
unsigned domain_pins(const struct domain *d);
/* True when [at, at+len) is memory of the domain that may be written to. */
bool domain_writable(const struct domain *d, uint64_t at, uint64_t len);
/* True when a failed retag killed it. Its memory is gone. */
bool domain_dead(const struct domain *d);
