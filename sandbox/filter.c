/*
 * The compiler of policies: rows to libseccomp rules. Trusted side.
 *
 * libseccomp orders calls by priority, so that rows keep the order of their
 * table: a worker's io_uring_enter is then compared first in both filters. Its
 * binary tree would make every call of a worker cost log2(rows) comparisons in
 * the baseline; the calls that the order makes slow are those that the kernel's
 * bitmap of allowed calls answers without running the filter.
 */
#include "sandbox/filter.h"

#include <seccomp.h>

#include "base/check.h"
#include "base/err.h"

static void seccomp_releasep(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
}

static uint32_t action(struct policy_act a)
{
	switch (a.verdict) {
	case POLICY_ALLOW:
		return SCMP_ACT_ALLOW;
	case POLICY_ERRNO:
		return SCMP_ACT_ERRNO((uint32_t)a.err);
	case POLICY_TRAP:
		return SCMP_ACT_TRAP;
	}
	CHECK(!"verdict of no kind");
	return SCMP_ACT_TRAP;
}

static struct scmp_arg_cmp compare(
	const struct policy_cond *c, const struct policy_params *pp)
{
	struct scmp_arg_cmp cmp = {.arg = c->arg};

	if (c->with == POLICY_NOT_COOKIE) {
		CHECK(c->mask == UINT64_MAX);
		cmp.op = SCMP_CMP_NE;
		cmp.datum_a = policy_value(c, pp);
	} else if (c->mask == UINT64_MAX) {
		cmp.op = SCMP_CMP_EQ;
		cmp.datum_a = policy_value(c, pp);
	} else {
		cmp.op = SCMP_CMP_MASKED_EQ;
		cmp.datum_a = c->mask;
		cmp.datum_b = policy_value(c, pp);
	}
	return cmp;
}

static int add_row(scmp_filter_ctx ctx, const struct policy_row *r,
	const struct policy_params *pp, uint8_t priority)
{
	struct scmp_arg_cmp cmps[POLICY_CONDS_MAX];
	int err;

	CHECK(r->n_conds <= POLICY_CONDS_MAX);
	for (unsigned i = 0; i < r->n_conds; i++)
		cmps[i] = compare(&r->conds[i], pp);
	err = seccomp_rule_add_exact_array(
		ctx, action(r->act), r->nr, r->n_conds, cmps);
	return err ? err : seccomp_syscall_priority(ctx, r->nr, priority);
}

/* Rows of one call share a priority: that of its last row. */
static int build(scmp_filter_ctx ctx, const struct policy *p,
	const struct policy_params *pp)
{
	int err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);

	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 1);
	if (!err)
		err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 1);
	for (size_t i = 0; i < p->n_rows && !err; i++) {
		uint8_t priority = i < UINT8_MAX ? (uint8_t)(UINT8_MAX - i) : 0;

		err = add_row(ctx, &p->rows[i], pp, priority);
	}
	return err;
}

int filter_load(const struct policy *p, const struct policy_params *pp)
{
	__attribute__((cleanup(seccomp_releasep))) scmp_filter_ctx ctx =
		seccomp_init(action(p->otherwise));
	int err;

	if (!ctx)
		return -ENOMEM;
	err = build(ctx, p, pp);
	return err ? err : seccomp_load(ctx);
}
