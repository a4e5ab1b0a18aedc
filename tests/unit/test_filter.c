/*
 * The compiled filters against the tables: what the kernel does to a call, for
 * every number, is what policy_decide() says.
 *
 * Nothing is really called: below the policy lies a second filter, the oracle,
 * which answers RET_TRACE to the one probing instruction. Without a tracer that
 * is ENOSYS. A policy's TRAP and ERRNO are sterner than TRACE and show; its
 * ALLOW is milder, so ENOSYS means that the call would have been made.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/filter.h"
#include "sandbox/policy.h"
#include "sandbox/wsys.h"

enum {
	NR_URETPROBE = 335,
	NR_UPROBE = 336
};

enum {
	X32 = 0x40000000,
	BAD_MAX = 8,
	NR_END = 1024
};

struct outcome {
	int nr;
	uint64_t args[6];
	struct policy_act got;
	struct policy_act want;
};

/* Written by the child, read by the test. */
struct report {
	unsigned n[3]; /* by verdict */
	unsigned n_bad;
	struct outcome bad[BAD_MAX];
	long value[16];
	int done;
};

static struct report *report;
static struct policy_params params;
static jmp_buf trapped;
static volatile siginfo_t trap;

/* long probe(long nr, const uint64_t args[6]); probe32: by int 0x80. */
long probe(long nr, const uint64_t args[6]);
long probe32(long nr);
extern const char probe_ip[];
extern const char probe32_ip[];
__asm__(".pushsection .text\n"
	".globl probe, probe_ip, probe32, probe32_ip\n"
	"probe:\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %r11\n"
	"	mov (%r11), %rdi\n"
	"	mov 8(%r11), %rsi\n"
	"	mov 16(%r11), %rdx\n"
	"	mov 24(%r11), %r10\n"
	"	mov 32(%r11), %r8\n"
	"	mov 40(%r11), %r9\n"
	"	syscall\n"
	"probe_ip:\n"
	"	ret\n"
	"probe32:\n"
	"	push %rbx\n"
	"	xor %ebx, %ebx\n"
	"	mov %rdi, %rax\n"
	"	int $0x80\n"
	"probe32_ip:\n"
	"	pop %rbx\n"
	"	ret\n"
	".popsection\n");

/* Leaves by longjmp: under the worker's policy the handler can't return. */
static void on_signal(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	trap = *si;
	longjmp(trapped, 1);
}

static struct policy_act act_of(long ret)
{
	if (ret == -ENOSYS)
		return (struct policy_act){POLICY_ALLOW, 0};
	return (struct policy_act){POLICY_ERRNO, (int)-ret};
}

static struct policy_act ask_kernel(int nr, const uint64_t args[6])
{
	trap.si_signo = 0;
	if (_setjmp(trapped))
		return (struct policy_act){POLICY_TRAP, 0};
	return act_of(probe(nr, args));
}

/*
 * Calls that the kernel exempts from every filter, since 6.14: uprobes live on
 * them. Made from anywhere but the kernel's own trampoline the first raises
 * SIGILL, the second fails with ENXIO. Dispatch (wall one) does stop them.
 */
static bool is_harmless_exempt(int nr, struct policy_act got)
{
	if (nr == NR_URETPROBE)
		return trap.si_signo == SIGILL;
	return nr == NR_UPROBE && got.err == ENXIO;
}

/* ENOSYS is also what the oracle says: a refusal with it can't be told from
 * an allowed call here (clone3; it has a test of its own). */
static void compare(int nr, const uint64_t args[6], struct policy_act want)
{
	struct policy_act got = ask_kernel(nr, args);

	if (want.verdict == POLICY_ERRNO && want.err == ENOSYS)
		want = (struct policy_act){POLICY_ALLOW, 0};
	report->n[got.verdict]++;
	if (got.verdict == want.verdict && got.err == want.err &&
		trap.si_signo != SIGILL)
		return;
	if (is_harmless_exempt(nr, got))
		return;
	if (report->n_bad < BAD_MAX) {
		struct outcome *o = &report->bad[report->n_bad];

		o->nr = nr;
		memcpy(o->args, args, sizeof(o->args));
		o->got = got;
		o->want = want;
	}
	report->n_bad++;
}

/* The sterner of the two verdicts, as the kernel stacks them; the last loaded
 * filter's errno wins. */
static struct policy_act sterner(struct policy_act old, struct policy_act new)
{
	return old.verdict > new.verdict ? old : new;
}

struct stack {
	const struct policy *p[2];
};

static struct policy_act expect(
	const struct stack *s, int nr, const uint64_t args[6])
{
	struct policy_act a = policy_decide(s->p[0], &params, nr, args);

	if ((unsigned)nr >= X32 && nr != -1)
		return (struct policy_act){POLICY_TRAP, 0};
	if (s->p[1])
		a = sterner(a, policy_decide(s->p[1], &params, nr, args));
	return a;
}

static void try_args(const struct stack *s, int nr, const uint64_t args[6])
{
	compare(nr, args, expect(s, nr, args));
}

/* One row's condition met, or missed in some bits. */
static void meet(uint64_t args[6], const struct policy_cond *c, uint64_t miss)
{
	uint64_t v = policy_value(c, &params) ^ miss;

	if (c->with == POLICY_NOT_COOKIE)
		v = ~v;
	args[c->arg] = (args[c->arg] & ~c->mask & ~miss) | v;
}

static void fit_row(uint64_t args[6], const struct policy_row *r, uint64_t fill)
{
	for (int i = 0; i < 6; i++)
		args[i] = fill;
	for (unsigned i = 0; i < r->n_conds; i++)
		meet(args, &r->conds[i], 0);
}

/* Around one row: it fits; each condition missed by one bit of each half; its
 * arguments moved to other registers. */
static void try_row(const struct stack *s, const struct policy_row *r)
{
	static const uint64_t misses[] = {1, 1UL << 7, 1UL << 31, 1UL << 32,
		1UL << 63, 0xffffffff, ~0xffffffffUL};
	uint64_t args[6];
	uint64_t moved[6];

	fit_row(args, r, 0);
	try_args(s, r->nr, args);
	for (int by = 1; by < 6; by++) {
		for (int i = 0; i < 6; i++)
			moved[i] = args[(i + by) % 6];
		try_args(s, r->nr, moved);
	}
	fit_row(args, r, 0xa5a5a5a5a5a5a5a5);
	try_args(s, r->nr, args);
	for (unsigned c = 0; c < r->n_conds; c++) {
		for (size_t m = 0; m < sizeof(misses) / sizeof(*misses); m++) {
			fit_row(args, r, 0);
			meet(args, &r->conds[c], misses[m]);
			try_args(s, r->nr, args);
		}
	}
}

static void try_number(const struct stack *s, int nr)
{
	const uint64_t c = params.cookie;
	const uint64_t sets[][6] = {{0}, {-1UL, -1UL, -1UL, -1UL, -1UL, -1UL},
		{c, c, c, c, c, c}, {c, ~c, c, ~c, c, ~c},
		{c >> 32, c >> 32, c >> 32, c >> 32, c >> 32, c >> 32},
		{(uint32_t)c, (uint32_t)c, (uint32_t)c, (uint32_t)c,
			(uint32_t)c, (uint32_t)c}};

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		try_args(s, nr, sets[i]);
}

static void try_all(const struct stack *s)
{
	for (int nr = -1; nr < NR_END; nr++) {
		try_number(s, nr);
		if (nr >= 0) {
			try_number(s, nr | X32);
			try_number(s, (int)(nr | 0x80000000U));
		}
	}
	for (int i = 0; i < 2 && s->p[i]; i++) {
		for (size_t j = 0; j < s->p[i]->n_rows; j++)
			try_row(s, &s->p[i]->rows[j]);
	}
}

/* i386 calls, all by number: trapped whatever the policy says. */
static void try_all_32(void)
{
	for (int nr = 0; nr < NR_END; nr++) {
		if (!_setjmp(trapped)) {
			(void)probe32(nr);
			report->n_bad++;
		} else {
			report->n[POLICY_TRAP]++;
			report->value[0] += trap.si_arch == AUDIT_ARCH_I386;
		}
	}
}

static int load_oracle(void)
{
	const uint64_t a = (uintptr_t)probe_ip;
	const uint64_t b = (uintptr_t)probe32_ip;
	const unsigned lo = offsetof(struct seccomp_data, instruction_pointer);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, lo + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, a >> 32, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, lo),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)a, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)b, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(*code), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) ? -errno
								       : 0;
}

static void set_up_child(void)
{
	struct sigaction sa = {
		.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};

	(void)sigaction(SIGSYS, &sa, NULL);
	(void)sigaction(SIGILL, &sa, NULL);
	(void)wsys_init();
	params = (struct policy_params){
		.cookie = wsys_cookie, .ring_fd = 9, .pid = getpid()};
}

/* By a fault that has no handler: under these filters nothing else works for
 * sure. */
static void die(void)
{
	__asm__ volatile("int3");
}

/* Runs fn in a child. */
static void in_child(void (*fn)(void))
{
	pid_t pid;
	int status;

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq((void *)report, MAP_FAILED);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		set_up_child();
		fn();
		report->done = 1;
		die();
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(report->done, "child ended early, status %#x", status);
}

static void cr_report(void)
{
	for (unsigned i = 0; i < report->n_bad && i < BAD_MAX; i++) {
		const struct outcome *o = &report->bad[i];

		cr_log_warn("call %#x(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx): "
			    "verdict %d/%d, table says %d/%d",
			(unsigned)o->nr, o->args[0], o->args[1], o->args[2],
			o->args[3], o->args[4], o->args[5], o->got.verdict,
			o->got.err, o->want.verdict, o->want.err);
	}
	cr_assert_eq(report->n_bad, 0, "%u differ", report->n_bad);
}

static const struct stack just_baseline = {{&policy_baseline}};
static const struct stack just_worker = {{&policy_worker}};
static const struct stack both = {{&policy_baseline, &policy_worker}};

/* The oracle comes first: the policy may refuse to load it. */
static int load_stack(const struct stack *s)
{
	int err = load_oracle();

	for (int i = 0; i < 2 && s->p[i] && !err; i++)
		err = filter_load(s->p[i], &params);
	return err;
}

static void child_baseline(void)
{
	if (!load_stack(&just_baseline))
		try_all(&just_baseline);
}

static void child_worker(void)
{
	if (!load_stack(&just_worker))
		try_all(&just_worker);
}

static void child_both(void)
{
	if (!load_stack(&both))
		try_all(&both);
}

static void child_int80(void)
{
	if (!load_stack(&just_baseline))
		try_all_32();
}

TestSuite(filter, .timeout = 60);

Test(filter, kernel_does_what_the_baseline_says)
{
	in_child(child_baseline);
	cr_report();
	cr_assert_gt(report->n[POLICY_ALLOW], 100);
	cr_assert_gt(report->n[POLICY_ERRNO], 1000);
	cr_assert_gt(report->n[POLICY_TRAP], 1000);
}

Test(filter, kernel_does_what_the_worker_policy_says)
{
	in_child(child_worker);
	cr_report();
	cr_assert_gt(report->n[POLICY_ALLOW], 4);
	cr_assert_gt(report->n[POLICY_TRAP], 1000);
}

Test(filter, stacked_the_sterner_verdict_holds)
{
	in_child(child_both);
	cr_report();
	cr_assert_gt(report->n[POLICY_ALLOW], 4);
	cr_assert_gt(report->n[POLICY_TRAP], 1000);
}

Test(filter, int80_traps_for_every_number)
{
	in_child(child_int80);
	cr_assert_eq(report->n_bad, 0);
	cr_assert_eq(report->n[POLICY_TRAP], NR_END);
	cr_assert_eq(report->value[0], NR_END);
}
