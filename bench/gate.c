/*
 * bench/gate: how many instructions is a round trip through the gate?
 *
 *     gate mpk|soft [-s] [-n BATCHES]
 *
 * Enters an isolate that leaves at once by a hostcall, and reads the time stamp
 * counter around it: instructions in the machine that counts them (tests/vm/run
 * with --icount), else ticks. With -s a parent steps through one round trip,
 * instruction by instruction, and sorts them: those that only scrub registers,
 * that only check, that switch dispatch, writes of PKRU, the rest. Trusted
 * side; prints lines of "name value".
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "gate_in.h"
#include "pkey/domain.h"
#include "pkey/gate.h"
#include "pkey/gate_asm.h"
#include "pkey/partition.h"
#include "sandbox/jail.h"

enum {
	GATE_BYTES = 64 << 10,
	GATE_CTL = 32 << 10,
	BATCH = 100, /* round trips */
};

static struct bench {
	struct keys keys;
	struct gate gate;
	struct gate_thread *thread;
	struct domain_mux mux;
	struct domain domain;
	char *mem;
	bool mpk;
	bool step;
	unsigned long batches;
} bench;

extern const char gate_code_begin[], gate_code_end[];
int gate_enter_mpk(void);
int gate_enter_soft(void);

/* Preparation: as the runtime does it, for one isolate. -------------------- */

static void bench_process(struct bench *b)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	if (keys_init(&b->keys, b->mpk ? &prim_mpk : &prim_soft) != 0) {
		(void)fprintf(stderr, "gate: no protection keys here\n");
		exit(77);
	}
	CHECK(jail_rseq_unregister() == 0);
	CHECK(partition_apply(&b->keys) == 0);
	CHECK(gate_init(&b->gate, &b->keys) == 0);
	CHECK(gate_install_handlers(&b->gate) == 0);
	CHECK(gate_thread_init(&b->gate, true, &b->thread) == 0);
}

static void bench_isolate(struct bench *b)
{
	struct inside in = {0};
	uint64_t ctl, rsp, frame[8] = {0};
	int key;

	b->mem = mmap(NULL, GATE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(b->mem != MAP_FAILED);
	domain_mux_init(&b->mux, &b->keys);
	CHECK(domain_init(&b->domain, &b->keys, b->mem, GATE_BYTES) == 0);
	CHECK(domain_bind(&b->mux, &b->domain) == 0);
	key = domain_key(&b->domain);
	ctl = (uint64_t)b->mem + GATE_CTL;
	rsp = ctl - sizeof(frame) - 8;
	/* As in core/isolate.c: six registers, then where to go. */
	frame[4] = ctl;
	frame[5] = (uint64_t)gate_bench_in;
	frame[6] = (uint64_t)gate_start;
	in.gate.rsp = rsp;
	gate_copy_in(&b->gate, key, (void *)rsp, frame, sizeof(frame));
	gate_copy_in(&b->gate, key, (void *)ctl, &in, sizeof(in));
	gate_target(b->thread, ctl, 0, key);
}

/* The time stamp counter. -------------------------------------------------- */

static inline uint64_t ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static __attribute__((noinline)) int enter_nothing(void)
{
	__asm__ volatile("");
	return GATE_LEFT;
}

static int ticks_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of short batches: an interrupt falls into few of them. */
static double ticks_per(int (*enter)(void), unsigned long batches)
{
	double *each = calloc(batches, sizeof(*each));
	double median;

	CHECK(each);
	for (unsigned long i = 0; i < batches; i++) {
		uint64_t begin = ticks();

		for (unsigned j = 0; j < BATCH; j++)
			CHECK(enter() == GATE_LEFT);
		each[i] = (double)(ticks() - begin) / BATCH;
	}
	qsort(each, batches, sizeof(*each), ticks_compare);
	median = each[batches / 2];
	free(each);
	return median;
}

static void bench_ticks(struct bench *b)
{
	int (*volatile nothing)(void) = enter_nothing;

	/* In place of the gate the empty loop runs ENDBR64, XOR and RET. */
	printf("harness 3\nticks %.2f\n",
		ticks_per(b->gate.enter, b->batches) -
			ticks_per(nothing, b->batches));
}

/* Step by step. ------------------------------------------------------------ */

/* Instructions that are there for nothing but to leave no value behind. */
static const struct opcode {
	uint8_t len;
	uint8_t bytes[3];
} scrubs[] = {
	{2, {0xd9, 0xee}},	 /* fldz */
	{2, {0xdb, 0xe3}},	 /* fninit */
	{3, {0xc5, 0xfc, 0x77}}, /* vzeroall */
	{3, {0x66, 0x0f, 0xef}}, /* pxor, %xmm0-7 */
	{3, {0x66, 0x45, 0x0f}}, /* pxor, %xmm8-15 */
	{1, {0x62}},		 /* vpxorq */
	{2, {0xc4, 0xe1}},	 /* kxorq */
	{2, {0xf7, 0x05}},	 /* testl, of the CPU's features */
	{1, {0x31}},		 /* xor, 32 bits */
	{2, {0x45, 0x31}},	 /* xor, r8d-r15d */
	{1, {0x9d}},		 /* popfq */
	{2, {0x6a, 0x02}},	 /* pushq $2, for it */
	{3, {0x0f, 0xae, 0x15}}, /* ldmxcsr */
	{1, {0x8c}},		 /* mov %ds, ... */
	{2, {0x09, 0xd1}},	 /* or %edx, %ecx */
	{0},
};

/* That are there for nothing but to die if something is wrong. */
static const struct opcode checks[] = {
	{3, {0xf3, 0x48, 0x0f}}, /* rdgsbase (wrfsbase is told apart) */
	{3, {0x0f, 0x01, 0xf9}}, /* rdtscp */
	{3, {0x48, 0x89, 0xd1}}, /* mov %rdx, %rcx */
	{3, {0x48, 0x89, 0xd6}}, /* mov %rdx, %rsi */
	{2, {0x89, 0xc1}},	 /* mov %eax, %ecx */
	{3, {0x48, 0x2b, 0x0d}}, /* sub constant, %rcx */
	{2, {0x23, 0x0d}},	 /* and constant, %ecx */
	{2, {0xf7, 0xc1}},	 /* test, %ecx */
	{3, {0x48, 0x3b, 0x0d}}, /* cmp, in all its forms here */
	{2, {0x3b, 0x0d}},
	{2, {0x3b, 0x05}},
	{2, {0x48, 0x39}},
	{1, {0x39}},
	{3, {0x48, 0x83, 0x7f}},
	{2, {0x83, 0x7e}},
	{0},
};

/* The store of dispatch's byte: by GS, by RSI. */
static const struct opcode selectors[] = {
	{2, {0x65, 0xc6}},
	{2, {0xc6, 0x46}},
	{0},
};

static bool is_one_of(const struct opcode *o, const uint8_t *at)
{
	for (; o->len; o++)
		if (memcmp(at, o->bytes, o->len) == 0)
			return true;
	return false;
}

static bool is_wrfsbase(const uint8_t *at)
{
	return memcmp(at, "\xf3\x48\x0f\xae\xd1", 5) == 0;
}

static bool is_wrpkru(const uint8_t *at)
{
	return at[0] == 0x0f && at[1] == 0x01 && at[2] == 0xef;
}

/* Conditional jump of either length, or jmp: part of what came before it. */
static bool is_jump(const uint8_t *at)
{
	return (at[0] & 0xf0) == 0x70 || at[0] == 0xeb ||
	       (at[0] == 0x0f && (at[1] & 0xf0) == 0x80);
}

struct steps {
	unsigned all, scrub, check, selector, wrpkru, inside;
	bool scrubbing, checking;
};

static void step_sort(struct steps *s, uint64_t rip)
{
	const uint8_t *at = (const uint8_t *)rip;

	if (rip < (uint64_t)gate_code_begin || rip >= (uint64_t)gate_code_end) {
		s->inside++;
		return;
	}
	s->all++;
	s->scrubbing = is_one_of(scrubs, at) || (s->scrubbing && is_jump(at));
	s->scrub += s->scrubbing;
	s->checking = (is_one_of(checks, at) && !is_wrfsbase(at)) ||
		      (s->checking && is_jump(at));
	s->check += s->checking;
	s->selector += is_one_of(selectors, at);
	if (is_wrpkru(at)) {
		s->wrpkru++;
		/* Its operands RCX and RDX are zeroed because it asks for it.
		 */
		s->scrub -= 2;
	}
}

static void step_child(struct bench *b)
{
	CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
	CHECK(b->gate.enter() == GATE_LEFT);
	(void)raise(SIGSTOP);
	CHECK(b->gate.enter() == GATE_LEFT);
	_exit(0);
}

/* From the first instruction of gate_enter() to the one after its return. */
static void step_trip(struct bench *b, pid_t pid, struct steps *s)
{
	struct user_regs_struct regs;
	uint64_t entry = (uint64_t)b->gate.enter, home = 0;
	int status;

	for (;;) {
		CHECK(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0);
		CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
		CHECK(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0);
		if (regs.rip == entry) {
			errno = 0;
			home = (uint64_t)ptrace(
				PTRACE_PEEKDATA, pid, (void *)regs.rsp, NULL);
			CHECK(errno == 0);
		}
		if (home == 0)
			continue;
		if (regs.rip == home)
			return;
		step_sort(s, regs.rip);
	}
}

/* The child has the same addresses as its parent, before keys are taken. */
static void bench_steps(struct bench *b)
{
	struct steps s = {0};
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		bench_process(b);
		bench_isolate(b);
		step_child(b);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status))
		exit(WEXITSTATUS(status));
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	/* What gate_init() chooses, in the child alone. */
	b->gate.enter = b->mpk ? gate_enter_mpk : gate_enter_soft;
	step_trip(b, pid, &s);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	printf("instructions %u\nscrub %u\nwithout_scrub %u\nchecks %u\n"
	       "selector %u\nwrpkru %u\nisolate_loop %u\n",
		s.all, s.scrub, s.all - s.scrub, s.check, s.selector, s.wrpkru,
		s.inside);
}

int main(int argc, char **argv)
{
	int opt;

	bench.batches = 1001;
	while ((opt = getopt(argc, argv, "sn:")) != -1) {
		if (opt == 's')
			bench.step = true;
		else if (opt == 'n')
			bench.batches = strtoul(optarg, NULL, 10);
		else
			goto usage;
	}
	if (optind + 1 != argc || bench.batches == 0)
		goto usage;
	bench.mpk = strcmp(argv[optind], "mpk") == 0;
	if (!bench.mpk && strcmp(argv[optind], "soft") != 0)
		goto usage;
	if (bench.step) {
		bench_steps(&bench);
		return 0;
	}
	bench_process(&bench);
	bench_isolate(&bench);
	bench_ticks(&bench);
	return 0;
usage:
	(void)fprintf(stderr, "usage: gate [-s] [-n BATCHES] mpk|soft\n");
	return 2;
}
