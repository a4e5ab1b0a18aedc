#pragma once
/*
 * The gate: the only code that changes PKRU. Its assembly is gate.S; this
 * header holds the structures whose layout that file knows.
 *
 *   gate_page     one per trusted thread, in key S: the runtime writes it,
 *                 isolates read it. GS points at it. Nothing secret.
 *   gate_thread   one per trusted thread, in key 0: what the way back needs.
 *   gate_ctl      first bytes of an isolate's control block, in the isolate's
 *                 own memory: what the way in loads under U. The runtime
 *                 believes nothing it reads there.
 *
 * Life: gate_init() once; gate_thread_init() on each trusted thread (first
 * thread, keeper, workers); on a worker gate_target() names an isolate and
 * gate_enter() runs it until it leaves.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkey/keys.h"

enum {
	GATE_ARGS = 4,
	GATE_PAGE_SIZE = 4096,
	GATE_MAX_THREADS = 80, /* workers, keeper, first thread, tests' */
};

struct gate_ctl {
	uint64_t rsp;		  /* stack to continue on */
	uint64_t ret;		  /* what the hostcall returns inside */
	uint64_t nr;		  /* number of the hostcall made */
	uint64_t args[GATE_ARGS]; /* its arguments */
	uint64_t spare;
};

/*
 * Inside (U): leaves the isolate with a hostcall and returns what the runtime
 * put in gate_ctl.ret, if it ever enters this isolate again. C ABI; all
 * registers that the ABI lets a callee destroy come back as zero, MXCSR and the
 * x87 control word with their defaults.
 */
uint64_t gate_hostcall(
	uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d);

/* Everything below is the runtime's (T). */

struct gate_page {
	struct gate_page *self;
	struct gate_thread *thread;
	uint64_t ctl;  /* control block of the isolate to enter */
	uint64_t fs;   /* its FS base */
	uint32_t pkru; /* its U */
	uint32_t aux;  /* TSC_AUX of the worker's CPU; -1: not pinned */
	volatile uint8_t selector; /* syscall user dispatch reads this */
};

/* Why the isolate was aborted (fault.c writes, on the faulting thread). */
struct gate_fault {
	int signal;	  /* SIGSEGV, ..., SIGSYS; SIGURG: stopped */
	int code;	  /* si_code */
	int key;	  /* SEGV_PKUERR: key of the memory touched, else -1 */
	int syscall;	  /* SIGSYS: number, else -1 */
	uint64_t address; /* si_addr, SIGSYS: address of the call */
	uint64_t rip;
	uint64_t rsp;
};

struct gate_thread {
	uint64_t rsp;
	uint64_t fs;
	struct gate_page *page;
	volatile uint64_t state; /* GATE_STATE_* */
	volatile uint64_t stop;	 /* a SIGURG was noted in T */
	volatile uint64_t in_fault;
	uint64_t sig;
	void *info;
	void *uc;
	uint64_t fault_sp;
	uint64_t cookie; /* what rt_sigreturn must carry */
	uint32_t pkru;	 /* T */
	struct gate_fault fault;
	void *altstack;
	const struct gate *gate;
	/* Called in T for a fault of the runtime itself; must not return. */
	void (*fatal)(struct gate_thread *thread);
	/* Called in T for a signal of gate_notify(); async-signal-safe. */
	void (*notify)(struct gate_thread *thread, int sig);
	void *owner; /* for fatal and notify */
};

/* One way through the gate: with keys, or without. */
struct gate {
	const struct keys *keys;
	int (*enter)(void);
	void (*copy)(void *dst, const void *src, size_t len, uint32_t pkru);
	void (*trust)(uint32_t pkru);
	void (*fault)(int sig, void *info, void *uc);
	/* GATE_MAX_THREADS of each; page i belongs to thread i. */
	struct gate_page *pages;
	struct gate_thread *threads;
	unsigned n_threads;
};

/*
 * Maps the pages, fills and seals the gate's constants. First thread, once per
 * process. Returns 0 or -errno.
 */
int gate_init(struct gate *gate, const struct keys *keys);

/*
 * Makes the calling thread a trusted thread: page, GS, alternate stack, PKRU T.
 * pinned: the thread will run isolates and stays on its present CPU. For the
 * life of the process: pages are not used again. -EAGAIN: all are taken.
 */
int gate_thread_init(
	struct gate *gate, bool pinned, struct gate_thread **ret_thread);

/* Installs the handlers of all synchronous signals and SIGURG. Once. */
int gate_install_handlers(const struct gate *gate);

/*
 * Has `sig` call thread->notify on the thread that gets it. An ordinary handler
 * would start with key S shut, where constants and the C library's data are.
 */
int gate_notify(const struct gate *gate, int sig);

/* Names the isolate that the next gate_enter() on this thread continues. */
void gate_target(
	struct gate_thread *thread, uint64_t ctl, uint64_t fs, int key);

/*
 * Copies between trusted memory and the memory of the isolate that holds `key`.
 * The caller has checked that the isolate's side lies in the isolate.
 */
void gate_copy_in(const struct gate *gate, int key, void *isolate_dst,
	const void *src, size_t len);
void gate_copy_out(const struct gate *gate, int key, void *dst,
	const void *isolate_src, size_t len);

/* Address ranges of the gate's code, for the scan of executable memory: true
 * when a forbidden instruction at addr is one of the gate's own. */
bool gate_owns_instruction(uint64_t addr);

/* The page of the gate's constants, read-only after gate_init(). */
const void *gate_constants(void);

/* gate.S */
void gate_start(void);
