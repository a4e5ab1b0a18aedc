#pragma once
/*
 * A box to attack from inside: what the daemon builds around an isolate (keys,
 * partition, gate, handlers, a pinned worker with dispatch and filter), made by
 * hand in a child process, with three isolates: the attacker's and two victims,
 * one resident, one parked.
 *
 *   parent   box_run() forks, waits, and then looks at the victims' memory,
 *            which it shares: damage is seen even when the child died of it
 *   child    its first thread plays the keeper; a worker runs the session
 *   session  T, on the worker, under its filter: box_attack() has a function
 *            run in U, in a fresh isolate, and records how it ended
 *
 * Each defence can be left out of one run; an attack that then still does no
 * harm proves nothing. All of this is a test's: the product has no switches.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkey/domain.h"
#include "pkey/gate.h"
#include "pkey/gate_asm.h"
#include "tests/security/box_asm.h"

/* What attackers go for. */
enum box_place {
	BOX_HEAP,   /* trusted memory from mmap: key 0 */
	BOX_DATA,   /* .data of the program */
	BOX_BSS,    /* .bss */
	BOX_STACK,  /* the worker's own stack */
	BOX_THREAD, /* gate_thread: where the cookie is */
	BOX_ALTSTACK,
	BOX_OTHER,    /* memory of a resident isolate */
	BOX_PARKED,   /* ... of a parked one */
	BOX_SELECTOR, /* key S from here on: dispatch's byte */
	BOX_LIBC,     /* a variable of the C library */
	BOX_RODATA,
	BOX_CONST, /* gate_const */
	BOX_PLACES
};

/* Numbers of hostcalls an attack leaves with. */
enum box_call {
	BOX_GOT = 100, /* the attack got through; argument: what it got */
	BOX_DONE,      /* nothing to say */
	BOX_AGAIN,     /* enter me again */
};

/* Defences of one run that are left out. */
struct box_off {
	bool keys;
	bool dispatch;
	bool filter;
	bool onstack;	 /* handlers of synchronous signals: SA_ONSTACK */
	bool autodisarm; /* alternate stack: SS_AUTODISARM */
	bool checks;	 /* the gate's UD2s */
	bool scrub;	 /* its clearing of registers and flags */
	bool rseq;	 /* unregistering it */
	bool stack;	 /* the gate's change of stacks on the way out */
	bool trap;	 /* the handler of SIGTRAP */
	bool mask;	 /* handlers keep other signals off */
};

enum {
	BOX_PATTERN = 64 << 10, /* bytes of canary at each victim */
	BOX_NUMBERS = 8,
	BOX_N_START = 7, /* n[]: first instruction, if not gate_start */
	BOX_AREA = 12288,
	BOX_ENDS = 1024,
};

/* What an attack knows: everything. Lies in the attacker's memory. */
struct box_attack {
	/* First, for box_start_dumping. */
	unsigned char area[BOX_AREA] __attribute__((aligned(64)));
	uint64_t at;		 /* the address it goes for */
	uint64_t value;		 /* what it writes */
	uint64_t rsp;		 /* stack pointer to do it with; 0: its own */
	bool gs_zero;		 /* with GS base 0 */
	uint64_t n[BOX_NUMBERS]; /* the case's own */
	struct box_jump jump;
	/* Filled in by the box. */
	uint64_t place[BOX_PLACES];
	uint64_t canary; /* first word of heap, other, parked */
	uint32_t pkru_trusted;
	uint32_t pkru_own;
	uint32_t pkru_other;
	uint32_t pkru_offset; /* in a signal frame's state */
	uint64_t stack;	      /* the attacker's own, lowest address */
	uint64_t ctl;
	int ring_fd;
};

/* Runs in U. */
typedef void box_attack_fn(struct box_attack *a);

/* How one attack ended. */
struct box_end {
	bool ran;    /* the worker came back from it */
	int how;     /* GATE_LEFT, ... */
	uint64_t nr; /* LEFT: the hostcall */
	uint64_t arg[GATE_ARGS];
	struct gate_fault fault; /* ABORTED */
	/* As the runtime found them. */
	uint32_t pkru;
	uint32_t mxcsr;
	uint64_t flags;
	uint32_t x87;
	bool leaked;	       /* LEFT with a canary, or the cookie, in hand */
	bool hurt[BOX_PLACES]; /* victims whose memory changed */
	bool alive; /* afterwards the worker serves a neighbour, and survives
		     * a fault */
};

/* How a whole run ended. Lies in memory shared by parent and child. */
struct box_report {
	int status; /* of wait(2); 0 is good */
	bool hung;
	bool fatal; /* the gate met a fault of the runtime itself */
	struct gate_fault fault; /* then: which */
	int setup;		 /* -errno: the box could not be built */
	const char *setup_what;
	unsigned n_ends;
	struct box_end end[BOX_ENDS];
	uint64_t number[BOX_NUMBERS]; /* a session's own findings */
	char text[256];
};

/* One isolate of a box. */
struct box_isolate {
	struct domain domain;
	char *mem;
	uint64_t ctl;
	uint64_t fs;
	uint64_t stack;	 /* lowest address */
	uint64_t attack; /* where its struct box_attack is */
};

enum {
	BOX_ISOLATE_BYTES = 512 << 10,
	BOX_SECRET_AT = 256 << 10, /* of a victim's pattern */
};

struct box;
typedef void box_session_fn(struct box *b, const void *arg);

/* What parent and child share. */
struct box_vault {
	struct box_report report;
	uint64_t canary;
	char heap[BOX_PATTERN] __attribute__((aligned(4096)));
	char attacker[BOX_ISOLATE_BYTES] __attribute__((aligned(4096)));
	char other[BOX_ISOLATE_BYTES] __attribute__((aligned(4096)));
	char parked[BOX_ISOLATE_BYTES] __attribute__((aligned(4096)));
};

struct box {
	struct box_off off;
	struct prim prim;
	struct keys keys;
	struct gate gate;
	struct domain_mux mux;
	struct gate_thread *thread; /* the worker's */
	struct box_isolate attacker, other, parked;
	int tid;
	int ring_fd;
	uint64_t canary;
	uint64_t cookie;
	volatile uint64_t *stack_canary;
	struct box_vault *vault;
	struct box_report *report;
	/* For the keeper. */
	void (*volatile errand)(struct box *b, void *arg);
	void *errand_arg;
	volatile unsigned stop_ms;
	/* What it does beside, again and again, while there is a session. */
	void (*volatile meanwhile)(struct box *b);
	volatile uint64_t beat; /* for that: the worker's progress */
	volatile bool done;
	box_session_fn *session;
	const void *session_arg;
};

/* Parent. Runs a session in a box. The report holds until the next call. */
const struct box_report *box_run(
	const struct box_off *off, box_session_fn *session, const void *arg);
/* Parent. A run of one attack; its end is report->end[0]. */
const struct box_report *box_run_one(const struct box_off *off,
	box_attack_fn *fn, const struct box_attack *a);

/*
 * Session. A fresh isolate runs fn(a) with everything about this box filled in.
 * BOX_AGAIN enters again; an attack that says it 100 times is stopped. Checks
 * the victims and the worker afterwards.
 */
struct box_end *box_attack(
	struct box *b, box_attack_fn *fn, const struct box_attack *a);
/* The parts of it: lay out, enter once, check. */
void box_prepare(struct box *b, struct box_isolate *iso, box_attack_fn *fn,
	const struct box_attack *a);
/* What was prepared starts over: only its stack and control block are new. */
void box_restart(struct box *b, struct box_isolate *iso, box_attack_fn *fn);
void box_enter(struct box *b, struct box_isolate *iso, struct box_end *ret_end);
void box_check(struct box *b, struct box_end *end);
/* Has the keeper call fn(b, arg) and waits for it. */
void box_keeper(struct box *b, void (*fn)(struct box *b, void *arg), void *arg);
/* A new isolate of the session's own: tagged P. Keeper only. */
int box_isolate_new(struct box *b, struct box_isolate *ret_iso);
uint64_t box_place(const struct box *b, enum box_place place);
/* Has SIGURG sent to the worker, so many milliseconds from now. */
void box_stop_in(struct box *b, unsigned ms);
/* PKRU as it is now. */
uint32_t box_pkru(void);

/* U. Leaves with BOX_GOT or BOX_DONE for good. */
__attribute__((noreturn)) void box_got(uint64_t value);
__attribute__((noreturn)) void box_done(void);

extern const char *const box_place_name[BOX_PLACES];

/* Verdicts. ----------------------------------------------------------------
 */

/* What a failed test's reader wants to know. */
void box_say(const char *what, const struct box_report *r);
/* Of a run of one attack: nothing was got, nothing hurt, all goes on. */
bool box_survived(const struct box_report *r);
