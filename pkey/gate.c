/*
 * The gate's trusted half in C: its pages, its constants, a thread's set-up and
 * the copies. Runs in T; nothing here is reached from an isolate but through
 * the assembly in gate.S.
 */
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "pkey/fault.h"
#include "pkey/gate.h"
#include "pkey/gate_asm.h"
#include "pkey/xcr0.h"

struct gate_const {
	uint64_t pages;
	uint64_t pages_len;
	void (*exit)(void);
	uint32_t pkru;
	uint32_t denied;
	uint32_t features;
	uint32_t mxcsr;
};

extern struct gate_const gate_const;

int gate_enter_mpk(void);
int gate_enter_soft(void);
void gate_exit_mpk(void);
void gate_exit_soft(void);
void gate_copy_mpk(void *dst, const void *src, size_t len, uint32_t pkru);
void gate_copy_soft(void *dst, const void *src, size_t len, uint32_t pkru);
void gate_trust_mpk(uint32_t pkru);
void gate_trust_soft(uint32_t pkru);
void gate_fault_mpk(int sig, void *info, void *uc);
void gate_fault_soft(int sig, void *info, void *uc);

#define SAME(type, member, offset)                                             \
	_Static_assert(offsetof(struct type, member) == (offset), #member)
SAME(gate_page, self, PAGE_SELF);
SAME(gate_page, thread, PAGE_THREAD);
SAME(gate_page, ctl, PAGE_CTL);
SAME(gate_page, fs, PAGE_FS);
SAME(gate_page, pkru, PAGE_PKRU);
SAME(gate_page, aux, PAGE_AUX);
SAME(gate_page, selector, PAGE_SELECTOR);
SAME(gate_thread, rsp, THREAD_RSP);
SAME(gate_thread, fs, THREAD_FS);
SAME(gate_thread, page, THREAD_PAGE);
SAME(gate_thread, state, THREAD_STATE);
SAME(gate_thread, stop, THREAD_STOP);
SAME(gate_thread, in_fault, THREAD_IN_FAULT);
SAME(gate_thread, sig, THREAD_SIG);
SAME(gate_thread, info, THREAD_INFO);
SAME(gate_thread, uc, THREAD_UC);
SAME(gate_thread, fault_sp, THREAD_FAULT_SP);
SAME(gate_thread, cookie, THREAD_COOKIE);
SAME(gate_thread, pkru, THREAD_PKRU);
SAME(gate_ctl, rsp, CTL_RSP);
SAME(gate_ctl, ret, CTL_RET);
SAME(gate_ctl, nr, CTL_NR);
SAME(gate_ctl, args, CTL_ARGS);
SAME(gate_const, pages, CONST_PAGES);
SAME(gate_const, pages_len, CONST_PAGES_LEN);
SAME(gate_const, exit, CONST_EXIT);
SAME(gate_const, pkru, CONST_PKRU);
SAME(gate_const, denied, CONST_DENIED);
SAME(gate_const, features, CONST_FEATURES);
SAME(gate_const, mxcsr, CONST_MXCSR);

/* Vector state is there when the kernel enabled it (XCR0), not when the CPU
 * could have it. */
static uint32_t gate_features(void)
{
	uint64_t on = xcr0_read();
	uint32_t features = 0;

	if ((on & XCR0_AVX) == XCR0_AVX)
		features |= GATE_FEATURE_AVX;
	if ((on & XCR0_AVX512) == XCR0_AVX512)
		features |= GATE_FEATURE_AVX512;
	if ((on & XCR0_AMX) == XCR0_AMX)
		features |= GATE_FEATURE_AMX;
	return features;
}

static void *gate_map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/*
 * Pages are filled before they get key S: a thread's first look at its own
 * (gate_trust) comes before it may write there.
 */
static int gate_map_threads(struct gate *gate)
{
	size_t len = (size_t)GATE_MAX_THREADS * GATE_PAGE_SIZE;
	char *pages = gate_map(len);

	gate->threads = gate_map(GATE_MAX_THREADS * sizeof(*gate->threads));
	if (!pages || !gate->threads)
		return -ENOMEM;
	gate->pages = (void *)pages;
	for (size_t i = 0; i < GATE_MAX_THREADS; i++) {
		struct gate_page *page = (void *)(pages + i * GATE_PAGE_SIZE);

		page->self = page;
		page->thread = &gate->threads[i];
		gate->threads[i].page = page;
		gate->threads[i].gate = gate;
		gate->threads[i].pkru = keys_pkru_trusted(gate->keys);
	}
	return gate->keys->prim->tag(
		pages, len, PROT_READ | PROT_WRITE, gate->keys->shared);
}

static void gate_choose(struct gate *gate)
{
	bool mpk = gate->keys->prim->hardware;

	gate->enter = mpk ? gate_enter_mpk : gate_enter_soft;
	gate->copy = mpk ? gate_copy_mpk : gate_copy_soft;
	gate->trust = mpk ? gate_trust_mpk : gate_trust_soft;
	gate->fault = mpk ? gate_fault_mpk : gate_fault_soft;
	gate_const.exit = mpk ? gate_exit_mpk : gate_exit_soft;
}

int gate_init(struct gate *gate, const struct keys *keys)
{
	int r;

	memset(gate, 0, sizeof(*gate));
	gate->keys = keys;
	r = gate_map_threads(gate);
	if (r < 0)
		return r;
	gate_choose(gate);
	gate_const.pages = (uint64_t)gate->pages;
	gate_const.pages_len = (uint64_t)GATE_MAX_THREADS * GATE_PAGE_SIZE;
	gate_const.pkru = keys_pkru_trusted(keys);
	gate_const.denied = keys_pkru_denied(keys);
	gate_const.features = gate_features();
	gate_const.mxcsr = 0x1f80;
	return keys->prim->tag(
		&gate_const, GATE_PAGE_SIZE, PROT_READ, keys->shared);
}

static uint32_t gate_cpu_aux(void)
{
	uint32_t lo, hi, aux;

	__asm__ volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
	return aux;
}

int gate_thread_init(
	struct gate *gate, bool pinned, struct gate_thread **ret_thread)
{
	unsigned i = __atomic_fetch_add(&gate->n_threads, 1, __ATOMIC_RELAXED);
	struct gate_thread *thread;
	int r;

	if (i >= GATE_MAX_THREADS)
		return -EAGAIN;
	thread = &gate->threads[i];
	__asm__("rdfsbase %0" : "=r"(thread->fs));
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, thread->page) != 0)
		return err_errno();
	gate->trust(thread->pkru);
	thread->page->aux = pinned ? gate_cpu_aux() : UINT32_MAX;
	r = fault_thread_init(thread);
	if (r < 0)
		return r;
	*ret_thread = thread;
	return 0;
}

void gate_target(struct gate_thread *thread, uint64_t ctl, uint64_t fs, int key)
{
	struct gate_page *page = thread->page;
	const struct keys *keys = thread->gate->keys;

	page->ctl = ctl;
	page->fs = fs ? fs : thread->fs;
	page->pkru = keys->prim->hardware ? keys_pkru_isolate(keys, key) : 0;
}

static uint32_t gate_copy_pkru(const struct gate *gate, int key)
{
	return gate->keys->prim->hardware ? keys_pkru_copy(gate->keys, key) : 0;
}

void gate_copy_in(const struct gate *gate, int key, void *isolate_dst,
	const void *src, size_t len)
{
	gate->copy(isolate_dst, src, len, gate_copy_pkru(gate, key));
}

void gate_copy_out(const struct gate *gate, int key, void *dst,
	const void *isolate_src, size_t len)
{
	gate->copy(dst, isolate_src, len, gate_copy_pkru(gate, key));
}

extern const char gate_code_begin[], gate_code_end[];

bool gate_owns_instruction(uint64_t addr)
{
	return addr >= (uint64_t)gate_code_begin &&
	       addr < (uint64_t)gate_code_end;
}

const void *gate_constants(void)
{
	return &gate_const;
}
