/*
 * The box, child's side: set-up of what the daemon sets up, in its order, then
 * the session's calls. T, but for the two functions marked U.
 */
#include "tests/security/box.h"

#include <cpuid.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "pkey/partition.h"
#include "pkey/tls.h"
#include "sandbox/dispatch.h"
#include "sandbox/filter.h"
#include "sandbox/jail.h"
#include "sandbox/wsys.h"
#include "tests/security/box_asm.h"
#include "tests/security/box_child.h"

extern const char gate_code_begin[], gate_code_end[];
extern char gate_const[];

enum {
	PAGE = 4096,
	STACK = 64 << 10,
	TLS_MAX = 8192,
	AGAIN_MAX = 100,
	XSTATE_PKRU = 9,
};

/* Victims in the image. Not zero, else it is no .data. */
static volatile uint64_t box_data = 1;
static volatile uint64_t box_bss;
static const uint64_t box_rodata = 0x726f646174612121;

static const char *const box_libc_value = "a program";

/* Addresses. --------------------------------------------------------------- */

uint64_t box_place(const struct box *b, enum box_place place)
{
	switch (place) {
	case BOX_HEAP:
		return (uint64_t)b->vault->heap;
	case BOX_DATA:
		return (uint64_t)&box_data;
	case BOX_BSS:
		return (uint64_t)&box_bss;
	case BOX_STACK:
		return (uint64_t)b->stack_canary;
	case BOX_THREAD:
		return (uint64_t)&b->thread->cookie;
	case BOX_ALTSTACK:
		return (uint64_t)b->thread->altstack + 64;
	case BOX_OTHER:
		return (uint64_t)b->vault->other + BOX_SECRET_AT;
	case BOX_PARKED:
		return (uint64_t)b->vault->parked + BOX_SECRET_AT;
	case BOX_SELECTOR:
		return (uint64_t)&b->thread->page->selector;
	case BOX_LIBC:
		return (uint64_t)&program_invocation_name;
	case BOX_RODATA:
		return (uint64_t)&box_rodata;
	case BOX_CONST:
		return (uint64_t)gate_const;
	case BOX_PLACES:
		break;
	}
	CHECK(!"a place");
	return 0;
}

uint32_t box_pkru(void)
{
	uint32_t pkru;

	__asm__ volatile("rdpkru" : "=a"(pkru) : "c"(0) : "rdx");
	return pkru;
}

static uint32_t box_pkru_offset(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid_count(0xd, XSTATE_PKRU, &a, &b, &c, &d))
		return 0;
	return b;
}

/* Keeper's side of the set-up. --------------------------------------------- */

/* A piece of the gate's code and how many there must be at least. */
struct box_patch {
	const char *bytes;
	size_t len;
	size_t keep; /* first bytes that stay */
	size_t more; /* bytes behind that go as well */
	unsigned least;
};

static const struct box_patch patch_checks[] = {
	/* ud2 behind "jcc +2", whatever the condition */
	{"\x72\x02\x0f\x0b", 4, 2, 0, 2},
	{"\x74\x02\x0f\x0b", 4, 2, 0, 20},
	{0},
};

static const struct box_patch patch_scrub[] = {
	{"\xc5\xfc\x77", 3, 0, 0, 3},		  /* vzeroall */
	{"\x6a\x02\x9d", 3, 0, 0, 2},		  /* pushq $2; popfq */
	{"\xdb\xe3", 2, 0, 0, 2},		  /* fninit */
	{"\xd9\xee", 2, 0, 0, 8},		  /* fldz */
	{"\x0f\xae\x15", 3, 0, 4, 2},		  /* ldmxcsr mem(%rip) */
	{"\x8e\xd9\x8e\xc1\x8e\xe1", 6, 0, 0, 2}, /* DS, ES, FS := ECX */
	{"\x8e\xe9", 2, 0, 0, 1},		  /* GS */
	/* xor of edx, esi, edi, r8d ... r11d, as the macro ZERO ends */
	{"\x31\xd2\x31\xf6\x31\xff\x45\x31\xc0\x45\x31\xc9\x45\x31\xd2"
	 "\x45\x31\xdb",
		18, 0, 0, 2},
	{0},
};

/* je +2; ud2; mov THREAD_RSP(%rdi), %rsp: the last of these. */
static const struct box_patch patch_stack[] = {
	{"\x74\x02\x0f\x0b\x48\x8b\x27", 7, 4, 0, 1},
	{0},
};

static unsigned box_patch(const struct box_patch *patch)
{
	unsigned char *p = (unsigned char *)gate_code_begin;
	unsigned n = 0;

	for (; p + patch->len <= (unsigned char *)gate_code_end; p++) {
		if (memcmp(p, patch->bytes, patch->len) != 0)
			continue;
		memset(p + patch->keep, 0x90,
			patch->len - patch->keep + patch->more);
		n++;
	}
	return n;
}

static int box_patch_gate(const struct box_patch *patches)
{
	uintptr_t from = (uintptr_t)gate_code_begin & ~(uintptr_t)(PAGE - 1);
	size_t len = (uintptr_t)gate_code_end - from;
	int r = 0;

	if (mprotect((void *)from, len, PROT_READ | PROT_WRITE | PROT_EXEC))
		return err_errno();
	for (; patches->bytes; patches++)
		if (box_patch(patches) < patches->least)
			r = -ENOENT;
	if (mprotect((void *)from, len, PROT_READ | PROT_EXEC))
		return err_errno();
	return r;
}

static int box_handlers(struct box *b)
{
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGURG};
	int r = gate_install_handlers(&b->gate);

	for (size_t i = 0; r == 0 && i < sizeof(signals) / sizeof(*signals);
		i++) {
		struct sigaction sa;

		(void)sigaction(signals[i], NULL, &sa);
		if (b->off.onstack)
			sa.sa_flags &= ~SA_ONSTACK;
		if (b->off.mask) {
			sa.sa_flags |= SA_NODEFER;
			(void)sigemptyset(&sa.sa_mask);
		}
		if (b->off.trap && signals[i] == SIGTRAP)
			sa.sa_handler = SIG_DFL;
		r = sigaction(signals[i], &sa, NULL) == 0 ? 0 : err_errno();
	}
	return r;
}

static int box_domain(struct box *b, struct box_isolate *iso, char *mem)
{
	iso->mem = mem;
	return domain_init(&iso->domain, &b->keys, mem, BOX_ISOLATE_BYTES);
}

int box_isolate_new(struct box *b, struct box_isolate *ret_iso)
{
	char *mem = mmap(NULL, BOX_ISOLATE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return err_errno();
	return box_domain(b, ret_iso, mem);
}

static int box_isolates(struct box *b)
{
	int r = box_domain(b, &b->attacker, b->vault->attacker);

	if (r == 0)
		r = box_domain(b, &b->other, b->vault->other);
	if (r == 0)
		r = box_domain(b, &b->parked, b->vault->parked);
	if (r == 0)
		r = domain_bind(&b->mux, &b->attacker.domain);
	if (r == 0)
		r = domain_bind(&b->mux, &b->other.domain);
	return r;
}

#define STEP(b, call)                                                          \
	do {                                                                   \
		(b)->report->setup_what = #call;                               \
		(b)->report->setup = (call);                                   \
		if ((b)->report->setup != 0)                                   \
			return false;                                          \
	} while (0)

static bool box_setup(struct box *b)
{
	struct gate_thread *thread;

	if (!b->off.rseq)
		STEP(b, jail_rseq_unregister());
	if (b->off.stack)
		STEP(b, box_patch_gate(patch_stack));
	if (b->off.checks)
		STEP(b, box_patch_gate(patch_checks));
	if (b->off.scrub)
		STEP(b, box_patch_gate(patch_scrub));
	STEP(b, keys_init(&b->keys, &b->prim));
	STEP(b, partition_apply(&b->keys));
	STEP(b, gate_init(&b->gate, &b->keys));
	STEP(b, box_handlers(b));
	STEP(b, gate_thread_init(&b->gate, false, &thread));
	domain_mux_init(&b->mux, &b->keys);
	STEP(b, box_isolates(b));
	return true;
}

/* Worker's side. ----------------------------------------------------------- */

/* The kernel stores bits of the descriptor's own choosing; it stays open. */
static int box_ring(struct box *b)
{
	struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER |
					     IORING_SETUP_DEFER_TASKRUN};

	b->ring_fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	return b->ring_fd >= 0 ? 0 : err_errno();
}

static int box_disarm_less(struct box *b)
{
	stack_t ss = {.ss_sp = b->thread->altstack,
		.ss_size = GATE_ALTSTACK_SIZE - 64};

	return sigaltstack(&ss, NULL) == 0 ? 0 : err_errno();
}

static int box_pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : err_errno();
}

static void box_fatal(struct gate_thread *thread)
{
	struct box *b = thread->owner;

	b->report->fault = thread->fault;
	b->report->fatal = true;
	for (;;)
		__builtin_ia32_pause();
}

static bool box_confine(struct box *b)
{
	struct policy_params params = {.pid = getpid()};

	STEP(b, box_pin());
	if (!b->off.rseq)
		STEP(b, jail_rseq_unregister());
	STEP(b, gate_thread_init(&b->gate, true, &b->thread));
	b->tid = (int)syscall(SYS_gettid);
	b->thread->owner = b;
	b->thread->fatal = box_fatal;
	if (b->off.autodisarm)
		STEP(b, box_disarm_less(b));
	STEP(b, box_ring(b));
	STEP(b, wsys_init());
	b->cookie = wsys_cookie;
	b->thread->cookie = wsys_cookie;
	params.cookie = wsys_cookie;
	params.ring_fd = b->ring_fd;
	if (!b->off.dispatch)
		STEP(b, dispatch_on(&b->thread->page->selector));
	if (!b->off.filter)
		STEP(b, filter_load(&policy_worker, &params));
	return true;
}

static void *box_worker(void *arg)
{
	struct box *b = arg;
	volatile uint64_t canary = b->canary;

	b->stack_canary = &canary;
	if (box_confine(b))
		b->session(b, b->session_arg);
	b->done = true;
	for (;;)
		__builtin_ia32_pause();
	return NULL;
}

/* The keeper's loop. --------------------------------------------------------
 */

static void box_serve(struct box *b)
{
	while (!b->done) {
		if (b->tid != 0 &&
			syscall(SYS_tgkill, getpid(), b->tid, 0) != 0)
			_exit(BOX_EXIT_LOST);
		if (b->report->fatal)
			_exit(BOX_EXIT_FATAL);
		if (b->errand) {
			b->errand(b, b->errand_arg);
			b->errand = NULL;
		}
		if (b->stop_ms) {
			(void)usleep(b->stop_ms * 1000);
			b->stop_ms = 0;
			(void)syscall(SYS_tgkill, getpid(), b->tid, SIGURG);
		}
		if (b->meanwhile)
			b->meanwhile(b);
		else
			(void)usleep(100);
	}
}

void box_child(struct box *b)
{
	pthread_t thread;

	b->report = &b->vault->report;
	b->canary = b->vault->canary;
	box_data = b->canary;
	box_bss = b->canary;
	program_invocation_name = (char *)box_libc_value;
	tls_init();
	CHECK(tls_size() > 0 && tls_size() <= TLS_MAX);
	if (!box_setup(b) || pthread_create(&thread, NULL, box_worker, b) != 0)
		_exit(BOX_EXIT_SETUP);
	box_serve(b);
	_exit(b->report->setup == 0 ? 0 : BOX_EXIT_SETUP);
}

void box_keeper(struct box *b, void (*fn)(struct box *b, void *arg), void *arg)
{
	b->errand_arg = arg;
	b->errand = fn;
	while (b->errand)
		__builtin_ia32_pause();
}

void box_stop_in(struct box *b, unsigned ms)
{
	b->stop_ms = ms;
}

/* One attack. ---------------------------------------------------------------
 */

/* What gate_enter() pops first: see core/isolate.c. */
struct box_frame {
	uint64_t r15, r14, r13, r12, rbp, rbx, rip, end, pad;
};

static void box_describe(
	struct box *b, const struct box_isolate *iso, struct box_attack *a)
{
	int key = domain_key(&iso->domain);

	for (unsigned i = 0; i < BOX_PLACES; i++)
		a->place[i] = box_place(b, i);
	a->canary = 0;
	a->pkru_trusted = b->thread->pkru;
	if (b->prim.hardware) {
		a->pkru_own = keys_pkru_isolate(&b->keys, key);
		a->pkru_other = keys_pkru_isolate(
			&b->keys, domain_key(&b->other.domain));
	}
	a->pkru_offset = box_pkru_offset();
	a->stack = (uint64_t)iso->mem;
	a->ctl = iso->ctl;
	a->ring_fd = b->ring_fd;
}

static void box_put_start(
	struct box *b, struct box_isolate *iso, box_attack_fn *fn, uint64_t rip)
{
	int key = domain_key(&iso->domain);
	struct box_frame frame = {.rbp = iso->attack,
		.rbx = (uint64_t)fn,
		.rip = rip ? rip : (uint64_t)gate_start};
	struct gate_ctl ctl = {
		.rsp = (uint64_t)iso->mem + STACK - sizeof(frame)};

	gate_copy_in(&b->gate, key, (void *)ctl.rsp, &frame, sizeof(frame));
	gate_copy_in(&b->gate, key, (void *)iso->ctl, &ctl, sizeof(ctl));
}

void box_restart(struct box *b, struct box_isolate *iso, box_attack_fn *fn)
{
	box_put_start(b, iso, fn, 0);
}

/* [stack | TLS | control block | the attack] */
void box_prepare(struct box *b, struct box_isolate *iso, box_attack_fn *fn,
	const struct box_attack *a)
{
	static struct box_attack copy;
	static char tls[TLS_MAX];
	static const uint64_t random[2] = {0x1122334455667788, 0x99};
	int key = domain_key(&iso->domain);
	uint64_t at = (uint64_t)iso->mem + STACK;

	memset(&copy, 0, sizeof(copy));
	if (a)
		copy = *a;
	iso->stack = (uint64_t)iso->mem;
	iso->fs = tls_build(tls, at, random);
	iso->ctl = at + TLS_MAX;
	iso->attack = iso->ctl + PAGE;
	box_describe(b, iso, &copy);
	gate_copy_in(&b->gate, key, (void *)at, tls, tls_size());
	gate_copy_in(&b->gate, key, (void *)iso->attack, &copy, sizeof(copy));
	box_put_start(b, iso, fn, copy.n[BOX_N_START]);
}

/* Reads back what a LEFT isolate said. */
static void box_take(
	struct box *b, const struct box_isolate *iso, struct box_end *end)
{
	struct gate_ctl ctl;

	gate_copy_out(&b->gate, domain_key(&iso->domain), &ctl,
		(void *)iso->ctl, sizeof(ctl));
	end->nr = ctl.nr;
	memcpy(end->arg, ctl.args, sizeof(end->arg));
	end->leaked = ctl.nr == BOX_GOT &&
		      (ctl.args[0] == b->canary || ctl.args[0] == b->cookie);
}

void box_enter(struct box *b, struct box_isolate *iso, struct box_end *ret_end)
{
	struct box_after after;

	gate_target(b->thread, iso->ctl, iso->fs, domain_key(&iso->domain));
	b->thread->stop = 0;
	memset(&b->thread->fault, 0, sizeof(b->thread->fault));
	ret_end->how = box_enter_asm(b->gate.enter, &after);
	ret_end->pkru = box_pkru();
	ret_end->flags = after.flags;
	ret_end->mxcsr = after.mxcsr;
	ret_end->x87 = after.x87;
	ret_end->fault = b->thread->fault;
	if (ret_end->how == GATE_LEFT)
		box_take(b, iso, ret_end);
}

static bool box_pattern_whole(const char *p, uint64_t canary)
{
	for (size_t i = 0; i < BOX_PATTERN; i += sizeof(canary))
		if (memcmp(p + i, &canary, sizeof(canary)) != 0)
			return false;
	return true;
}

/* U. */
static void box_hello(struct box_attack *a)
{
	(void)gate_hostcall(BOX_DONE, 42, 0, 0, 0);
	a->value++;
	box_done();
}

/* U. */
static void box_crash(struct box_attack *a)
{
	(void)a;
	__builtin_trap();
}

static bool box_worker_alive(struct box *b)
{
	struct box_end end;
	bool good;

	box_prepare(b, &b->other, box_hello, NULL);
	box_enter(b, &b->other, &end);
	good = end.how == GATE_LEFT && end.nr == BOX_DONE && end.arg[0] == 42;
	box_enter(b, &b->other, &end);
	good = good && end.how == GATE_LEFT && end.nr == BOX_DONE;
	box_prepare(b, &b->attacker, box_crash, NULL);
	box_enter(b, &b->attacker, &end);
	good = good && end.how == GATE_ABORTED && end.fault.signal == SIGILL;
	return good && (!b->prim.hardware || end.pkru == b->thread->pkru);
}

/* The victims in the vault are the parent's to look at. */
void box_check(struct box *b, struct box_end *end)
{
	end->ran = true;
	end->hurt[BOX_DATA] = box_data != b->canary;
	end->hurt[BOX_BSS] = box_bss != b->canary;
	end->hurt[BOX_STACK] = *b->stack_canary != b->canary;
	end->hurt[BOX_THREAD] = b->thread->cookie != b->cookie;
	end->hurt[BOX_LIBC] = program_invocation_name != box_libc_value;
	end->alive = (!b->prim.hardware || end->pkru == b->thread->pkru) &&
		     box_worker_alive(b);
}

struct box_end *box_attack(
	struct box *b, box_attack_fn *fn, const struct box_attack *a)
{
	struct box_end *end = &b->report->end[b->report->n_ends];

	CHECK(b->report->n_ends < BOX_ENDS);
	b->report->n_ends++;
	box_prepare(b, &b->attacker, fn, a);
	for (unsigned i = 0; i < AGAIN_MAX; i++) {
		box_enter(b, &b->attacker, end);
		if (end->how != GATE_LEFT || end->nr != BOX_AGAIN)
			break;
	}
	box_check(b, end);
	return end;
}

bool box_vault_whole(const struct box_vault *v, enum box_place place)
{
	switch (place) {
	case BOX_HEAP:
		return box_pattern_whole(v->heap, v->canary);
	case BOX_OTHER:
		return box_pattern_whole(v->other + BOX_SECRET_AT, v->canary);
	case BOX_PARKED:
		return box_pattern_whole(v->parked + BOX_SECRET_AT, v->canary);
	default:
		return true;
	}
}

/* U. ------------------------------------------------------------------------
 */

void box_got(uint64_t value)
{
	for (;;)
		(void)gate_hostcall(BOX_GOT, value, 0, 0, 0);
}

void box_done(void)
{
	for (;;)
		(void)gate_hostcall(BOX_DONE, 0, 0, 0, 0);
}
