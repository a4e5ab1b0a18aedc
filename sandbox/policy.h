#pragma once
/*
 * System call policies, as data.
 *
 * A policy is a table of rows: a call, conditions on its arguments, what
 * happens, and why. A call that fits no row gets the policy's default. Rows of
 * one call never overlap with different verdicts, so their order means nothing
 * but speed (first rows are looked at first). filter.h makes a kernel filter
 * out of a policy; policy_decide() says in plain C what that filter must do,
 * and a test compares the two over every call number.
 *
 *   baseline   every thread of the daemon; loaded by the main thread before it
 *              starts others, who inherit it
 *   worker     on top of it, by each worker before its first isolate
 *
 * When both match, the kernel takes the sterner verdict: TRAP, ERRNO, ALLOW.
 * Two calls no filter ever sees: since Linux 6.14 uretprobe (335) and uprobe
 * (336) pass them all. Made from anywhere but the kernel's own trampolines the
 * one raises SIGILL and the other fails with ENXIO.
 *
 * Pure code and constant data: no system call, no allocation.
 */
#include <stddef.h>
#include <stdint.h>

/* How a condition gets the value it compares with. */
enum policy_with {
	POLICY_VALUE,	   /* `value` itself */
	POLICY_COOKIE,	   /* the thread's cookie */
	POLICY_NOT_COOKIE, /* true when it is anything but the cookie */
	POLICY_INV_COOKIE, /* the cookie's complement */
	POLICY_RING_FD,	   /* the thread's ring */
	POLICY_PID,	   /* this process */
};

/* True when (argument & mask) equals the value (differs, for NOT_COOKIE). */
struct policy_cond {
	unsigned arg; /* 0..5 */
	enum policy_with with;
	uint64_t mask;
	uint64_t value;
};

enum policy_verdict {
	POLICY_ALLOW,
	POLICY_ERRNO, /* not made; the caller sees -err */
	POLICY_TRAP,  /* not made; SIGSYS at the caller */
};

struct policy_act {
	enum policy_verdict verdict;
	int err; /* POLICY_ERRNO only; 0: it returns 0 all the same */
};

enum {
	POLICY_CONDS_MAX = 4
};

struct policy_row {
	const char *name;
	int nr;
	struct policy_act act;
	unsigned n_conds;
	struct policy_cond conds[POLICY_CONDS_MAX]; /* all must hold */
	const char *why; /* shared by following rows that have NULL */
};

struct policy {
	const char *name;
	const char *about;
	struct policy_act otherwise;
	const struct policy_row *rows;
	size_t n_rows;
};

/* What one thread's filter is filled in with. Unused fields may be 0. */
struct policy_params {
	uint64_t cookie;
	int ring_fd;
	int pid;
};

extern const struct policy policy_baseline;
extern const struct policy policy_worker;

/* All policies, for printing; NULL past the last. */
const struct policy *policy_at(size_t i);

/* By name; NULL if there is none. */
const struct policy *policy_find(const char *name);

/* Reason of row i: its own or the one it shares. */
const char *policy_why(const struct policy *p, size_t i);

/* Mask and value that a condition comes to for one thread. */
uint64_t policy_value(
	const struct policy_cond *c, const struct policy_params *pp);

/* The verdict on one x86-64 call. Wrong architectures and x32 numbers never
 * get here: filters answer them with TRAP. */
struct policy_act policy_decide(const struct policy *p,
	const struct policy_params *pp, int nr, const uint64_t args[6]);

/* Text for people: "arg1 == 0x80", "allow", "errno EPERM". Always ends in NUL;
 * returns buf. */
char *policy_cond_text(const struct policy_cond *c, char *buf, size_t size);
char *policy_act_text(struct policy_act a, char *buf, size_t size);
