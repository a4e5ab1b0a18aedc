/*
 * Budgets that workers share: see budget.h. Trusted side.
 *
 * Waiting: who finds no room announces it, then looks once more; who gives back
 * gives first, then looks whether somebody waits. Both steps are sequentially
 * consistent, so one of the two sees the other: no wake-up is lost.
 *
 * A rate is one number, the time up to which what came so far is paid for. It
 * moves on by one step per call and may be ahead of the clock by the burst.
 */
#include "core/budget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "util/clock.h"

void quota_init(struct quota *q, enum budget kind, uint64_t max)
{
	memset(q, 0, sizeof(*q));
	q->kind = kind;
	q->max = max;
}

bool quota_take(struct quota *q, uint64_t n)
{
	uint64_t used;

	if (q->max == 0)
		return true;
	used = atomic_load(&q->used);
	do {
		if (n > q->max || used > q->max - n)
			return false;
	} while (!atomic_compare_exchange_weak(&q->used, &used, used + n));
	return true;
}

bool quota_give(struct quota *q, uint64_t n)
{
	if (q->max == 0)
		return false;
	CHECK(atomic_fetch_sub(&q->used, n) >= n);
	return atomic_load(&q->waiting) > 0;
}

bool quota_fits(const struct quota *q, uint64_t n)
{
	return q->max == 0 ||
	       (n <= q->max && atomic_load(&q->used) <= q->max - n);
}

bool quota_wait(struct quota *q, uint64_t n, uint64_t most)
{
	if (atomic_fetch_add(&q->waiting, 1) >= most) {
		atomic_fetch_sub(&q->waiting, 1);
		return false;
	}
	atomic_store(&q->wanted, n);
	return true;
}

void quota_unwait(struct quota *q)
{
	CHECK(atomic_fetch_sub(&q->waiting, 1) > 0);
}

bool quota_short(const struct quota *q)
{
	return atomic_load(&q->waiting) > 0 &&
	       !quota_fits(q, atomic_load(&q->wanted));
}

void rate_init(
	struct rate *r, enum budget kind, uint32_t calls, uint32_t seconds)
{
	uint32_t burst;

	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->calls = calls;
	r->seconds = seconds;
	if (calls == 0)
		return;
	burst = calls / seconds;
	r->step_ns = seconds * CLOCK_S / calls;
	r->burst_ns = r->step_ns * (burst ? burst : 1);
}

char rate_unit(const struct rate *r)
{
	return r->seconds == 1 ? 's' : r->seconds == 60 ? 'm' : 'h';
}

uint64_t rate_take(struct rate *r, uint64_t now)
{
	uint64_t due, next;

	if (r->calls == 0)
		return 0;
	due = atomic_load_explicit(&r->due, memory_order_relaxed);
	do {
		next = (due > now ? due : now) + r->step_ns;
		if (next - now > r->burst_ns)
			return next - now - r->burst_ns;
	} while (!atomic_compare_exchange_weak_explicit(&r->due, &due, next,
		memory_order_relaxed, memory_order_relaxed));
	return 0;
}

void rate_undo(struct rate *r)
{
	if (r->calls)
		atomic_fetch_sub_explicit(
			&r->due, r->step_ns, memory_order_relaxed);
}

static int tenant_order(const void *a, const void *b)
{
	const struct tenant *s = a, *t = b;

	return strcmp(s->name, t->name);
}

static int tenant_init(
	struct tenant *t, const struct tenant_options *o, unsigned n_workers)
{
	memcpy(t->name, o->name, sizeof(t->name));
	quota_init(&t->concurrency, BUDGET_TENANT_CONCURRENCY, o->concurrency);
	quota_init(&t->memory, BUDGET_TENANT_MEMORY, o->memory_bytes);
	rate_init(&t->rate, BUDGET_TENANT_RATE, o->rate_calls, o->rate_seconds);
	quota_init(&t->cpu, BUDGET_TENANT_CPU, o->cpu_percent);
	return share_init(&t->share, o->cpu_percent, n_workers);
}

int tenants_init(struct tenants *ts, const struct tenant_options *opt, size_t n,
	unsigned n_workers)
{
	*ts = (struct tenants){0};
	if (n == 0)
		return 0;
	ts->all = aligned_alloc(_Alignof(struct tenant), n * sizeof(*ts->all));
	if (!ts->all)
		return -ENOMEM;
	for (; ts->n < n; ts->n++) {
		int r = tenant_init(&ts->all[ts->n], &opt[ts->n], n_workers);

		if (r < 0) {
			tenants_fini(ts);
			return r;
		}
	}
	qsort(ts->all, n, sizeof(*ts->all), tenant_order);
	return 0;
}

void tenants_fini(struct tenants *ts)
{
	for (size_t i = 0; i < ts->n; i++)
		share_fini(&ts->all[i].share);
	free(ts->all);
	*ts = (struct tenants){0};
}

struct tenant *tenants_find(const struct tenants *ts, const char *name)
{
	size_t from = 0, to = ts->n;

	while (from < to) {
		size_t at = (from + to) / 2;
		int order = strcmp(ts->all[at].name, name);

		if (order == 0)
			return &ts->all[at];
		if (order < 0)
			from = at + 1;
		else
			to = at;
	}
	return NULL;
}
