#pragma once
/* The words in which policy tables are written; for policy_*.c alone. */
#include <errno.h>
#include <sys/syscall.h>

#include "sandbox/policy.h"

/* The call, by its kernel name. */
#define CALL(call) .name = #call, .nr = SYS_##call

/* Verdicts. */
#define ALLOW .act = {POLICY_ALLOW, 0}
#define REFUSE(e) .act = {POLICY_ERRNO, e}

/* Conditions. Worker rows compare all 64 bits, so that garbage in the upper
 * half is a refusal; rows for libc's own calls look at the 32 bits that the
 * kernel looks at, since libc need not clear the rest. */
#define WHEN1(a) .n_conds = 1, .conds = {a}
#define WHEN2(a, b) .n_conds = 2, .conds = {a, b}
#define WHEN3(a, b, c) .n_conds = 3, .conds = {a, b, c}
#define WHEN4(a, b, c, d) .n_conds = 4, .conds = {a, b, c, d}
/* clang-format off */
#define IS(n, v) {n, POLICY_VALUE, UINT64_MAX, v}
#define IS32(n, v) {n, POLICY_VALUE, UINT32_MAX, v}
#define BITS(n, m, v) {n, POLICY_VALUE, m, v}
#define IS_COOKIE(n) {n, POLICY_COOKIE, UINT64_MAX, 0}
#define NOT_COOKIE(n) {n, POLICY_NOT_COOKIE, UINT64_MAX, 0}
#define IS_INV_COOKIE(n) {n, POLICY_INV_COOKIE, UINT64_MAX, 0}
#define IS_RING(n) {n, POLICY_RING_FD, UINT64_MAX, 0}
#define IS_PID(n) {n, POLICY_PID, UINT32_MAX, 0}
/* clang-format on */
