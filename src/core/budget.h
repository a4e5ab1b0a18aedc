#pragma once
/*
 * Budgets that workers share: how much may be in use at once (struct quota),
 * how many may come per second (struct rate), and the tenants who have them.
 * Trusted side; any thread. Exact: no interleaving lets one too many pass.
 *
 * A budget whose limit is 0 is none: nothing is counted, nothing refused.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/share.h"
#include "engine/inside.h"

/* Which limit an invocation met; also the series of gvisord_limited_total. */
enum budget {
	BUDGET_FUNCTION_CONCURRENCY,
	BUDGET_FUNCTION_RATE,
	BUDGET_TENANT_CONCURRENCY,
	BUDGET_TENANT_RATE,
	BUDGET_TENANT_MEMORY,
	BUDGET_TENANT_CPU,
	BUDGET_TOTAL_MEMORY,
	BUDGET_QUEUE,	   /* limits.queue */
	BUDGET_QUEUE_WAIT, /* limits.queue_wait_ms */
	BUDGET_MAPS,	   /* vm.max_map_count */
	BUDGET_ISOLATES,   /* limits.isolates; of warming, has no series */
	BUDGET_NONE,
};

struct quota {
	enum budget kind;
	uint64_t max; /* 0: no limit; never changes once in use */
	_Alignas(64) _Atomic uint64_t used;
	/* Invocations that wait for some of it, on all workers, and how much
	 * the last of them wants. */
	_Atomic uint64_t waiting;
	_Atomic uint64_t wanted;
};

void quota_init(struct quota *q, enum budget kind, uint64_t max);
/* False: that would be more than the limit. */
bool quota_take(struct quota *q, uint64_t n);
/* True: somebody waits for some. */
bool quota_give(struct quota *q, uint64_t n);
/* n more would fit now. */
bool quota_fits(const struct quota *q, uint64_t n);
/*
 * Announces a wait for n. False: `most` wait already. Who announces it has to
 * look at quota_fits() afterwards: what is given from then on is told by
 * quota_give(), what was given before is not.
 */
bool quota_wait(struct quota *q, uint64_t n, uint64_t most);
void quota_unwait(struct quota *q);
/* Somebody waits, and what is free is not enough for him. */
bool quota_short(const struct quota *q);

/*
 * `calls` per `seconds`, evenly; after a pause as many at once as fit into one
 * second, but one at least.
 */
struct rate {
	enum budget kind;
	uint32_t calls; /* 0: no limit */
	uint32_t seconds;
	uint64_t step_ns;  /* between two */
	uint64_t burst_ns; /* that much of a head start is allowed */
	_Alignas(64) _Atomic uint64_t due; /* when all so far were due */
};

void rate_init(
	struct rate *r, enum budget kind, uint32_t calls, uint32_t seconds);
/* Of its seconds: 's', 'm' or 'h'. */
char rate_unit(const struct rate *r);
/* 0: it may come. Else nanoseconds until the next may. */
uint64_t rate_take(struct rate *r, uint64_t now);
/* What was taken was not used after all. */
void rate_undo(struct rate *r);

enum {
	TENANTS_MAX = 256
};

struct tenant_options {
	char name[INSIDE_NAME_MAX];
	uint32_t concurrency; /* each 0: no limit */
	uint32_t rate_calls;
	uint32_t rate_seconds;
	uint64_t memory_bytes;
	uint32_t cpu_percent;
};

/* A tenant with limits of its own. */
struct tenant {
	char name[INSIDE_NAME_MAX];
	struct quota concurrency;
	struct quota memory; /* mapped budgets of its live isolates */
	struct rate rate;
	struct share share;
	struct quota cpu; /* who waits for it; never used up itself */
};

/* All of them, made at the start, by name. */
struct tenants {
	struct tenant *all;
	size_t n;
};

/* 0 or -ENOMEM. */
int tenants_init(struct tenants *ts, const struct tenant_options *opt, size_t n,
	unsigned n_workers);
void tenants_fini(struct tenants *ts);
/* NULL: it has no limits of its own. */
struct tenant *tenants_find(const struct tenants *ts, const char *name);
