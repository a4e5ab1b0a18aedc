/*
 * What is common to all policies: finding, deciding, printing. Trusted side,
 * pure. The tables are in policy_baseline.c and policy_worker.c.
 */
#include "sandbox/policy.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

static const struct policy *const all[] = {&policy_baseline, &policy_worker};

const struct policy *policy_at(size_t i)
{
	return i < sizeof(all) / sizeof(*all) ? all[i] : NULL;
}

const struct policy *policy_find(const char *name)
{
	for (size_t i = 0; policy_at(i); i++) {
		if (!strcmp(policy_at(i)->name, name))
			return policy_at(i);
	}
	return NULL;
}

const char *policy_why(const struct policy *p, size_t i)
{
	CHECK(i < p->n_rows);
	while (!p->rows[i].why) {
		CHECK(i > 0);
		i--;
	}
	return p->rows[i].why;
}

uint64_t policy_value(
	const struct policy_cond *c, const struct policy_params *pp)
{
	switch (c->with) {
	case POLICY_VALUE:
		return c->value;
	case POLICY_COOKIE:
	case POLICY_NOT_COOKIE:
		return pp->cookie;
	case POLICY_INV_COOKIE:
		return ~pp->cookie;
	case POLICY_RING_FD:
		return (unsigned)pp->ring_fd;
	case POLICY_PID:
		return (unsigned)pp->pid;
	}
	CHECK(!"condition of no kind");
	return 0;
}

static bool row_fits(const struct policy_row *r, const struct policy_params *pp,
	const uint64_t args[6])
{
	for (unsigned i = 0; i < r->n_conds; i++) {
		const struct policy_cond *c = &r->conds[i];
		bool same = (args[c->arg] & c->mask) == policy_value(c, pp);

		if (same == (c->with == POLICY_NOT_COOKIE))
			return false;
	}
	return true;
}

struct policy_act policy_decide(const struct policy *p,
	const struct policy_params *pp, int nr, const uint64_t args[6])
{
	for (size_t i = 0; i < p->n_rows; i++) {
		const struct policy_row *r = &p->rows[i];

		if (r->nr == nr && row_fits(r, pp, args))
			return r->act;
	}
	return p->otherwise;
}

char *policy_cond_text(const struct policy_cond *c, char *buf, size_t size)
{
	static const char *const names[] = {[POLICY_COOKIE] = "COOKIE",
		[POLICY_NOT_COOKIE] = "COOKIE",
		[POLICY_INV_COOKIE] = "~COOKIE",
		[POLICY_RING_FD] = "RING_FD",
		[POLICY_PID] = "PID"};
	const char *op = c->with == POLICY_NOT_COOKIE ? "!=" : "==";
	char left[40];
	char right[24];

	(void)snprintf(left, sizeof(left), "arg%u", c->arg);
	if (c->mask != UINT64_MAX && c->mask != UINT32_MAX)
		(void)snprintf(left, sizeof(left), "arg%u & %#llx", c->arg,
			(unsigned long long)c->mask);
	(void)snprintf(
		right, sizeof(right), "%#llx", (unsigned long long)c->value);
	(void)snprintf(buf, size, "%s %s %s", left, op,
		c->with == POLICY_VALUE ? right : names[c->with]);
	return buf;
}

char *policy_act_text(struct policy_act a, char *buf, size_t size)
{
	switch (a.verdict) {
	case POLICY_ALLOW:
		(void)snprintf(buf, size, "allow");
		break;
	case POLICY_ERRNO:
		(void)snprintf(buf, size, "errno %s", strerrorname_np(a.err));
		break;
	case POLICY_TRAP:
		(void)snprintf(buf, size, "trap");
		break;
	}
	return buf;
}
