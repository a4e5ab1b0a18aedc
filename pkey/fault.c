/*
 * What happens when a signal arrives. Trusted side, on the alternate stack.
 *
 * The kernel's frame describes where the thread was. For an isolate's fault we
 * note what a user wants to know and rewrite the frame, so that rt_sigreturn
 * lands in gate_aborted with the trusted stack of the gate_enter() that began
 * the run, with PKRU = T and every other register and all vector state in their
 * initial values. The frame lies in key 0, where isolates can't reach it.
 */
#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "pkey/fault.h"
#include "pkey/gate_asm.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

enum {
	GUARD = 4096,
	XSAVE_MXCSR = 24,
	XSAVE_BV = 512,
	XSAVE_COMPONENT_PKRU = 9,
	HANDLER_ROOM = 8192, /* for fault_handle and what it calls */
	SECCOMP_CODE = 1,    /* SYS_SECCOMP */
};

void gate_aborted(void);

/* Offset of PKRU in the (never compacted) state of a signal frame. */
static uint32_t fault_pkru_offset;

/*
 * [guard | GATE_ALTSTACK_SIZE, aligned to its size | guard]. The last word
 * names the thread; the guard above keeps an overlong read of the frame from
 * running into somebody else's memory.
 */
static void *fault_map_altstack(void)
{
	size_t len = 2 * GATE_ALTSTACK_SIZE + 2 * GUARD;
	char *p =
		mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t at;

	if (p == MAP_FAILED)
		return NULL;
	at = ((uintptr_t)p + GUARD + GATE_ALTSTACK_SIZE - 1) &
	     ~((uintptr_t)GATE_ALTSTACK_SIZE - 1);
	if (mprotect((void *)at, GATE_ALTSTACK_SIZE, PROT_READ | PROT_WRITE)) {
		(void)munmap(p, len);
		return NULL;
	}
	return (void *)at;
}

int fault_thread_init(struct gate_thread *thread)
{
	stack_t ss = {.ss_flags = SS_AUTODISARM};
	struct gate_thread **name;

	if (getauxval(AT_MINSIGSTKSZ) + HANDLER_ROOM > GATE_ALTSTACK_SIZE)
		return -E2BIG;
	thread->altstack = fault_map_altstack();
	if (!thread->altstack)
		return -ENOMEM;
	name = (void *)((char *)thread->altstack + GATE_ALTSTACK_SIZE);
	name[-1] = thread;
	ss.ss_sp = thread->altstack;
	ss.ss_size = GATE_ALTSTACK_SIZE - 64;
	return sigaltstack(&ss, NULL) == 0 ? 0 : err_errno();
}

static void fault_find_pkru(void)
{
	unsigned a, b, c, d;

	if (__get_cpuid_count(0xd, XSAVE_COMPONENT_PKRU, &a, &b, &c, &d))
		fault_pkru_offset = b;
}

static int fault_install(const struct gate *gate, int sig)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_ONSTACK};

	sa.sa_sigaction = (void (*)(int, siginfo_t *, void *))gate->fault;
	sigfillset(&sa.sa_mask);
	return sigaction(sig, &sa, NULL) == 0 ? 0 : err_errno();
}

int gate_install_handlers(const struct gate *gate)
{
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGURG};
	int r = 0;

	fault_find_pkru();
	for (size_t i = 0; r == 0 && i < sizeof(signals) / sizeof(*signals);
		i++)
		r = fault_install(gate, signals[i]);
	return r;
}

int gate_notify(const struct gate *gate, int sig)
{
	return fault_install(gate, sig);
}

static void fault_note(
	struct gate_thread *thread, const siginfo_t *si, const greg_t *regs)
{
	struct gate_fault *f = &thread->fault;

	f->signal = si->si_signo;
	f->code = si->si_code;
	f->key = -1;
	f->syscall = -1;
	f->address = (uint64_t)si->si_addr;
	f->rip = (uint64_t)regs[REG_RIP];
	f->rsp = (uint64_t)regs[REG_RSP];
	if (si->si_signo == SIGSEGV && si->si_code == SEGV_PKUERR)
		f->key = (int)si->si_pkey;
	if (si->si_signo == SIGSYS) {
		f->syscall = si->si_syscall;
		f->address = (uint64_t)si->si_call_addr;
	}
}

/* All state components in their initial values, but PKRU = T: a PKRU whose bit
 * in XSTATE_BV is clear would come back as 0, all keys open. */
static void fault_reset_state(const struct gate_thread *thread, char *xsave)
{
	uint64_t bv = 0;
	uint32_t mxcsr = 0x1f80;

	if (thread->gate->keys->prim->hardware) {
		CHECK(fault_pkru_offset != 0);
		bv = 1ull << XSAVE_COMPONENT_PKRU;
		memcpy(xsave + fault_pkru_offset, &thread->pkru,
			sizeof(thread->pkru));
	}
	memcpy(xsave + XSAVE_BV, &bv, sizeof(bv));
	memcpy(xsave + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}

/* CS and SS as the kernel gave them to this handler: 64-bit code. The frame
 * has those of the isolate, which a far return takes to 32-bit code. */
static greg_t fault_segments(void)
{
	uint16_t cs, ss;

	__asm__("mov %%cs, %0\n\tmov %%ss, %1" : "=r"(cs), "=r"(ss));
	return (greg_t)((uint64_t)ss << 48 | cs);
}

static void fault_abort(struct gate_thread *thread, ucontext_t *uc)
{
	greg_t *regs = uc->uc_mcontext.gregs;

	fault_note(thread, thread->info, regs);
	memset(regs, 0, REG_CSGSFS * sizeof(*regs));
	regs[REG_CSGSFS] = fault_segments();
	regs[REG_EFL] = 0x202;
	regs[REG_RIP] = (greg_t)gate_aborted;
	regs[REG_RSP] = (greg_t)thread->rsp;
	fault_reset_state(thread, (char *)uc->uc_mcontext.fpregs);
	thread->state = GATE_STATE_TRUSTED;
}

/*
 * The system calls that runtime code may make on a worker although the filter
 * traps them for lack of the cookie; they fail instead. The vdso's clock, when
 * the clock source turned unusable at run time: util/clock.c then takes the
 * road with the cookie. The message of a failed CHECK(): the trap behind it is
 * what tells where that was.
 */
static bool fault_refuse_call(const siginfo_t *si, greg_t *regs)
{
	if (si->si_signo != SIGSYS || si->si_code != SECCOMP_CODE ||
		(si->si_syscall != SYS_clock_gettime &&
			si->si_syscall != SYS_write))
		return false;
	regs[REG_RAX] = -EPERM;
	return true;
}

/* A signal of gate_notify(), which is not a fault. */
static bool fault_notice(struct gate_thread *thread, int sig)
{
	switch (sig) {
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
	case SIGSYS:
		return false;
	default:
		if (thread->notify)
			thread->notify(thread, sig);
		return true;
	}
}

void fault_handle(struct gate_thread *thread)
{
	ucontext_t *uc = thread->uc;
	const siginfo_t *si = thread->info;

	if (thread->state == GATE_STATE_ISOLATE) {
		fault_abort(thread, uc);
		return;
	}
	if (si->si_signo == SIGURG) {
		thread->stop = 1;
		return;
	}
	if (fault_notice(thread, si->si_signo))
		return;
	if (fault_refuse_call(si, uc->uc_mcontext.gregs))
		return;
	fault_note(thread, si, uc->uc_mcontext.gregs);
	if (thread->fatal)
		thread->fatal(thread);
	__builtin_trap();
}

const char *fault_signal_name(int sig)
{
	switch (sig) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGILL:
		return "SIGILL";
	case SIGFPE:
		return "SIGFPE";
	case SIGTRAP:
		return "SIGTRAP";
	case SIGSYS:
		return "SIGSYS";
	case SIGURG:
		return "SIGURG";
	default:
		return "signal";
	}
}
