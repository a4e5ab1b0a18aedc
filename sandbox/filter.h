#pragma once
/*
 * Policies turned into seccomp filters. Trusted side; a filter is for ever.
 *
 * Whatever the policy says, a system call of another architecture (int 0x80)
 * or of x32 raises SIGSYS.
 */
#include "sandbox/policy.h"

/* Binds the calling thread, and threads it starts later, to the policy. Sets
 * no_new_privs. Needs malloc and seccomp(2), which a worker has until its own
 * filter is loaded. Returns 0 or -errno; on error nothing is loaded. */
int filter_load(const struct policy *p, const struct policy_params *pp);
