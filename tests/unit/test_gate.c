/*
 * The gate without keys (gate_*_soft): stacks, FS, dispatch selector, scrubbing
 * and the fault path are the same code as with keys, which tests/vm runs. What
 * runs inside stands in fake_gate.S.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pkey/fault.h"
#include "pkey/gate.h"
#include "pkey/gate_asm.h"

enum {
	BYTES = 64 << 10,
	CTL = 48 << 10,
	DUMP = CTL - 0x6000,
	DUMP2 = CTL - 0x5000,
	RAX = 0,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15,
	FLAG_DF = 0x400,
	FLAG_AC = 0x40000,
};

struct notes {
	_Alignas(64) uint64_t reg[16];
	uint64_t flags;
	uint64_t selector;
	_Alignas(64) uint16_t fcw;
	uint16_t fsw;
	uint8_t ftw, pad;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mask;
	uint64_t st[8][2];
	uint64_t xmm[16][2];
	uint8_t rest[96];
	uint64_t ymm[16][2]; /* upper halves */
};
_Static_assert(offsetof(struct notes, fcw) == 192 &&
		       offsetof(struct notes, xmm) == 192 + 160 &&
		       offsetof(struct notes, ymm) == 704,
	"fake_gate.S");

int fake_enter(int (*enter)(void), struct notes *notes);
extern uint32_t fake_has_avx;
typedef void fake_main(void);
fake_main fake_inside, fake_spin, fake_trap, fake_null, fake_divide, fake_break,
	fake_stackless, fake_no_gs, fake_bare_exit, fake_copy, fake_trust,
	fake_exit_no_gs;
void gate_exit_soft(void);
void gate_enter_soft(void);

static struct keys keys;
static struct gate gate;
static struct gate_thread *thread;
static char *mem;
static struct notes notes;

static void start(void)
{
	__builtin_cpu_init();
	fake_has_avx = __builtin_cpu_supports("avx") ? 1 : 0;
	cr_assert_eq(keys_init(&keys, &prim_soft), 0);
	cr_assert_eq(gate_init(&gate, &keys), 0);
	cr_assert_eq(gate_install_handlers(&gate), 0);
	cr_assert_eq(gate_thread_init(&gate, false, &thread), 0);
	mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(mem, MAP_FAILED);
}

static struct gate_ctl *ctl(void)
{
	return (void *)(mem + CTL);
}

/* The stack that gate_enter() takes over: six registers, gate_start. */
static void lay_out(fake_main *inside)
{
	uint64_t frame[8] = {0, 0, 0, 0, (uint64_t)ctl(), (uint64_t)inside,
		(uint64_t)gate_start};
	char *at = mem + CTL - sizeof(frame) - 8;

	memset(mem, 0, BYTES);
	memcpy(at, frame, sizeof(frame));
	ctl()->rsp = (uint64_t)at;
	gate_target(thread, (uint64_t)ctl(), 0, 0);
	thread->fault = (struct gate_fault){0};
}

static int enter(void)
{
	return fake_enter(gate.enter, &notes);
}

/* What any return of gate_enter() leaves behind in the caller's registers. */
static void check_trusted(void)
{
	static const int saved[] = {RBX, RBP, R12, R13, R14, R15};

	for (size_t i = 0; i < sizeof(saved) / sizeof(*saved); i++)
		cr_assert_eq(notes.reg[saved[i]], 0x7100u + (unsigned)saved[i],
			"register %d", saved[i]);
	cr_assert_eq(thread->state, (uint64_t)GATE_STATE_TRUSTED);
	cr_assert_eq(notes.selector, (uint64_t)GATE_SELECTOR_ALLOW);
	cr_assert_eq(notes.flags & (FLAG_DF | FLAG_AC), 0u);
	cr_assert_eq(notes.mxcsr, 0x1f80u);
	cr_assert_eq(notes.fcw, 0x37fu);
	/* FS is the thread's own again. */
	errno = 1234;
	cr_assert_eq(errno, 1234);
}

static void check_scrubbed(const struct notes *n)
{
	static const int scratch[] = {RCX, RDX, RSI, R8, R9, R10, R11};

	for (size_t i = 0; i < sizeof(scratch) / sizeof(*scratch); i++)
		cr_assert_eq(n->reg[scratch[i]], 0u, "register %d", scratch[i]);
	for (int i = 0; i < 16; i++) {
		cr_assert_eq(n->xmm[i][0] | n->xmm[i][1], 0u, "xmm%d", i);
		cr_assert_eq(n->ymm[i][0] | n->ymm[i][1], 0u, "ymm%d", i);
	}
	cr_assert_eq(n->mxcsr, 0x1f80u);
	cr_assert_eq(n->fcw, 0x37fu);
	cr_assert_eq(n->ftw, 0u, "x87 registers in use");
	cr_assert_eq(n->flags & (FLAG_DF | FLAG_AC), 0u);
}

static const struct notes *dump(size_t at)
{
	return (const struct notes *)(void *)(mem + at);
}

/* Ways through. ------------------------------------------------------------ */

Test(gate, first_entry_shows_nothing_of_the_runtime)
{
	static const int saved[] = {R12, R13, R14, R15, RBP};
	const struct notes *n;

	start();
	lay_out(fake_inside);
	cr_assert_eq(enter(), GATE_LEFT);
	n = dump(DUMP);
	check_scrubbed(n);
	for (size_t i = 0; i < sizeof(saved) / sizeof(*saved); i++)
		cr_assert_eq(n->reg[saved[i]], 0u, "register %d", saved[i]);
	cr_assert_eq(n->reg[RAX], 0u);
	cr_assert_eq(n->reg[RDI], (uint64_t)ctl());
	cr_assert_eq(n->selector, (uint64_t)GATE_SELECTOR_BLOCK);
}

Test(gate, hostcall_brings_out_its_arguments_alone)
{
	start();
	lay_out(fake_inside);
	cr_assert_eq(enter(), GATE_LEFT);
	cr_assert_eq(ctl()->nr, 7u);
	cr_assert_eq(ctl()->args[0], 0x1506u);
	cr_assert_eq(ctl()->args[1], 0x1502u);
	cr_assert_eq(ctl()->args[2], 0x1501u);
	cr_assert_eq(ctl()->args[3], 0x1508u);
	check_trusted();
	check_scrubbed(&notes);
	cr_assert_eq(notes.reg[RDI], 0u);
	for (int i = 0; i < 8; i++)
		cr_assert_eq(notes.st[i][0], 0u, "st%d keeps its bits", i);
}

Test(gate, return_of_a_hostcall_keeps_what_the_abi_keeps)
{
	static const int saved[] = {RBX, RBP, R12, R13, R14, R15};
	const struct notes *n;

	start();
	lay_out(fake_inside);
	cr_assert_eq(enter(), GATE_LEFT);
	ctl()->ret = 0xfeedfacecafe;
	cr_assert_eq(enter(), GATE_LEFT);
	cr_assert_eq(ctl()->nr, 8u);
	n = dump(DUMP2);
	cr_assert_eq(n->reg[RAX], 0xfeedfacecafe);
	for (size_t i = 0; i < sizeof(saved) / sizeof(*saved); i++)
		cr_assert_eq(n->reg[saved[i]], 0x1500u + (unsigned)saved[i],
			"register %d", saved[i]);
	check_scrubbed(n);
	cr_assert_eq(n->reg[RDI], 0u);
}

Test(gate, a_million_round_trips)
{
	uint64_t rsp;

	start();
	lay_out(fake_inside);
	cr_assert_eq(gate.enter(), GATE_LEFT);
	cr_assert_eq(gate.enter(), GATE_LEFT);
	rsp = ctl()->rsp;
	for (int i = 0; i < 1000000; i++) {
		ctl()->nr = 0;
		if (gate.enter() != GATE_LEFT || ctl()->nr != 8 ||
			ctl()->rsp != rsp)
			cr_assert_fail("round trip %d", i);
	}
	cr_assert_eq(enter(), GATE_LEFT);
	check_trusted();
}

Test(gate, bare_exit_needs_no_stack)
{
	start();
	lay_out(fake_bare_exit);
	ctl()->nr = 99;
	cr_assert_eq(enter(), GATE_LEFT);
	cr_assert_eq(ctl()->nr, 99u);
	check_trusted();
}

Test(gate, many_isolates_in_turn)
{
	start();
	for (int i = 0; i < 2000; i++) {
		lay_out(i % 3 ? fake_inside : fake_trap);
		cr_assert_eq(enter(), i % 3 ? GATE_LEFT : GATE_ABORTED);
		check_trusted();
	}
}

/* Faults. ------------------------------------------------------------------ */

static void check_fault(fake_main *inside, int sig)
{
	lay_out(inside);
	cr_assert_eq(enter(), GATE_ABORTED);
	check_trusted();
	check_scrubbed(&notes);
	cr_assert_eq(thread->fault.signal, sig);
	cr_assert_eq(thread->fault.key, -1);
	cr_assert_eq(thread->fault.syscall, -1);
	cr_assert_eq(thread->in_fault, 0u);
	cr_assert_eq(thread->stop, 0u);
}

Test(gate, faults_end_the_isolate_alone)
{
	start();
	for (int i = 0; i < 100; i++) {
		check_fault(fake_trap, SIGILL);
		cr_assert_eq(thread->fault.rip, (uint64_t)fake_trap);
		check_fault(fake_null, SIGSEGV);
		cr_assert_eq(thread->fault.address, 0x1230u);
		check_fault(fake_divide, SIGFPE);
		check_fault(fake_break, SIGTRAP);
		check_fault(fake_stackless, SIGSEGV);
		cr_assert_eq(thread->fault.rsp, 0u);
		check_fault(fake_no_gs, SIGILL);
		check_fault(fake_copy, SIGILL);
		check_fault(fake_trust, SIGILL);
		check_fault(fake_exit_no_gs, SIGILL);
	}
	lay_out(fake_inside);
	cr_assert_eq(enter(), GATE_LEFT);
}

Test(gate, a_control_block_that_is_not_there)
{
	start();
	lay_out(fake_inside);
	ctl()->rsp = 0x4000;
	cr_assert_eq(enter(), GATE_ABORTED);
	check_trusted();
	cr_assert_eq(thread->fault.signal, SIGSEGV);
	ctl()->rsp = 0x8000000000000000; /* not canonical: no address */
	cr_assert_eq(enter(), GATE_ABORTED);
	check_trusted();
}

/* The exit when nobody is inside: dies rather than to return anywhere. */
Test(gate, exit_in_trusted_state, .signal = SIGILL)
{
	start();
	gate_exit_soft();
}

static int fatal_signal;

static void fatal(struct gate_thread *t)
{
	fatal_signal = t->fault.signal;
	_exit(fatal_signal == SIGSEGV ? 77 : 1);
}

Test(gate, own_faults_are_fatal, .exit_code = 77)
{
	start();
	thread->fatal = fatal;
	*(volatile char *)mem = 1;
	(void)mprotect(mem, BYTES, PROT_READ);
	*(volatile char *)mem = 1;
}

/* Stops. ------------------------------------------------------------------- */

Test(gate, stop_noted_in_trusted_code_refuses)
{
	start();
	lay_out(fake_inside);
	cr_assert_eq(raise(SIGURG), 0);
	cr_assert_eq(thread->stop, 1u);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(enter(), GATE_REFUSED);
		check_trusted();
		cr_assert_eq(ctl()->nr, 0u, "it ran");
	}
	thread->stop = 0;
	cr_assert_eq(enter(), GATE_LEFT);
}

struct hunter {
	pid_t tid;
	unsigned shots;
	unsigned pause_us;
	_Atomic bool done;
};

static void *hunt(void *arg)
{
	struct hunter *h = arg;

	for (unsigned i = 0; i < h->shots; i++) {
		usleep(h->pause_us);
		(void)syscall(SYS_tgkill, getpid(), h->tid, SIGURG);
	}
	atomic_store(&h->done, true);
	return NULL;
}

/* The hunter must not be a target of anything: all signals are blocked. */
static pthread_t let_hunt(struct hunter *h)
{
	sigset_t all, old;
	pthread_t t;

	h->tid = (pid_t)syscall(SYS_gettid);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	cr_assert_eq(pthread_create(&t, NULL, hunt, h), 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return t;
}

Test(gate, a_runaway_is_stopped)
{
	struct hunter h = {.shots = 1, .pause_us = 20000};
	pthread_t t;

	start();
	lay_out(fake_spin);
	t = let_hunt(&h);
	cr_assert_eq(enter(), GATE_ABORTED);
	pthread_join(t, NULL);
	check_trusted();
	cr_assert_eq(thread->fault.signal, SIGURG);
	cr_assert_eq(thread->fault.rip, (uint64_t)fake_spin);
	cr_assert_eq(thread->stop, 0u);
}

/* Signals at any moment of the way in, inside and the way out: each entry ends
 * in one of the three ways, with the trusted state whole. */
Test(gate, stops_at_any_moment, .timeout = 60)
{
	struct hunter h = {.shots = 20000, .pause_us = 5};
	unsigned long ends[3] = {0};
	pthread_t t;

	start();
	lay_out(fake_inside);
	t = let_hunt(&h);
	while (!atomic_load(&h.done)) {
		int end = enter();

		cr_assert(end >= GATE_LEFT && end <= GATE_REFUSED);
		check_trusted();
		ends[end]++;
		if (end == GATE_ABORTED) {
			cr_assert_eq(thread->fault.signal, SIGURG);
			lay_out(fake_inside);
		}
		thread->stop = 0;
	}
	pthread_join(t, NULL);
	cr_assert_gt(ends[GATE_LEFT], 100u);
	cr_assert_gt(ends[GATE_ABORTED] + ends[GATE_REFUSED], 10u);
}

static int noticed;

static void notice(struct gate_thread *t, int sig)
{
	cr_assert_eq(t, thread);
	noticed = sig;
}

Test(gate, notify_is_told_in_trusted_code)
{
	start();
	thread->notify = notice;
	cr_assert_eq(gate_notify(&gate, SIGTERM), 0);
	cr_assert_eq(raise(SIGTERM), 0);
	cr_assert_eq(noticed, SIGTERM);
	cr_assert_eq(thread->stop, 0u);
}

/* Set-up. ------------------------------------------------------------------ */

Test(gate, copies)
{
	char *src = malloc(5000), *dst = malloc(5001);

	start();
	for (int i = 0; i < 5000; i++)
		src[i] = (char)(i * 7);
	for (size_t len = 0; len <= 5000; len += 1 + len / 7) {
		memset(mem, 0x55, 5001);
		gate_copy_in(&gate, 0, mem, src, len);
		cr_assert_arr_eq(mem, src, len);
		cr_assert_eq(mem[len], 0x55);
		memset(dst, 0x66, 5001);
		gate_copy_out(&gate, 0, dst, mem, len);
		cr_assert_arr_eq(dst, src, len);
		cr_assert_eq(dst[len], 0x66);
	}
	free(src);
	free(dst);
}

Test(gate, pages_run_out)
{
	struct gate_thread *t, *last = NULL;
	unsigned n = 1;

	start();
	for (; gate_thread_init(&gate, false, &t) == 0; n++) {
		cr_assert_neq(t, last);
		cr_assert_eq(t->page->self, t->page);
		cr_assert_eq(t->page->thread, t);
		cr_assert_eq((uint64_t)t->altstack % GATE_ALTSTACK_SIZE, 0u);
		last = t;
	}
	cr_assert_eq(n, (unsigned)GATE_MAX_THREADS);
	cr_assert_eq(gate_thread_init(&gate, false, &t), -EAGAIN);
	cr_assert_eq(gate_thread_init(&gate, true, &t), -EAGAIN);
	lay_out(fake_inside);
	thread = last;
	gate_target(thread, (uint64_t)ctl(), 0, 0);
	cr_assert_eq(enter(), GATE_LEFT);
}

Test(gate, owns_its_instructions_alone)
{
	uint64_t at = (uint64_t)gate_enter_soft;

	cr_assert(gate_owns_instruction(at));
	cr_assert(gate_owns_instruction((uint64_t)gate_start));
	cr_assert_not(gate_owns_instruction(at - 65536));
	cr_assert_not(gate_owns_instruction(at + 65536));
	cr_assert_not(gate_owns_instruction(0));
	cr_assert_not(gate_owns_instruction(UINT64_MAX));
}

Test(gate, names_of_signals)
{
	cr_assert_str_eq(fault_signal_name(SIGSEGV), "SIGSEGV");
	cr_assert_str_eq(fault_signal_name(SIGURG), "SIGURG");
	cr_assert_str_eq(fault_signal_name(SIGSYS), "SIGSYS");
	cr_assert_str_eq(fault_signal_name(SIGHUP), "signal");
}

Test(gate, constants_are_sealed, .exit_code = 77)
{
	extern char gate_const[];

	start();
	thread->fatal = fatal;
	*(volatile char *)gate_const = 0;
}
