#pragma once
/*
 * Jumps into the gate. Isolate code can jump to any byte of it with registers
 * of its choice; a jump here leads, wherever the gate lets go, to code that
 * tries to read a secret and leaves with it.
 */
#include "tests/security/box.h"

void gate_enter_mpk(void);
void gate_exit_mpk(void);
void gate_copy_mpk(void);
void gate_trust_mpk(void);
void gate_fault_mpk(void);
void gate_enter_soft(void);
void gate_exit_soft(void);
void gate_copy_soft(void);
void gate_trust_soft(void);
void gate_fault_soft(void);
void gate_aborted(void);

extern const unsigned char gate_code_begin[], gate_code_end[];

/* Values of registers that only the isolate knows. */
enum jump_token {
	JUMP_FRAME = 0xf00d0001, /* what gate_enter pops, then box_loot */
	JUMP_FAKE,		 /* a gate_thread of the isolate's own making */
	JUMP_FAKE_PAGE,		 /* a gate_page that names it */
	JUMP_FORGED,		 /* a signal frame likewise */
	JUMP_SECRET,
	JUMP_BUFFER,
	JUMP_STACK,	/* own, as high as any attack of the box uses */
	JUMP_STACK_ODD, /* 3 bytes above */
	JUMP_ALTSTACK,
	JUMP_PKRU_OWN,
	JUMP_PKRU_OTHER,
	JUMP_PKRU_BOTH, /* both isolates' memory */
	JUMP_PKRU_TRUSTED,
};

/* What one jump does for its attacker when the defence is gone. */
enum jump_gain {
	JUMP_NONE,   /* other things stop it as well */
	JUMP_LEAKS,  /* the secret is read */
	JUMP_OPENS,  /* the runtime goes on with wrong rights */
	JUMP_BREAKS, /* something is hurt, or the worker dead */
};

struct jump {
	struct box_jump to; /* any register may hold a token */
	enum box_place loot;
	uint64_t gs;	/* GS base, tokens too; 0: leave it */
	bool fake_page; /* the made-up thread has a page made up as well */
};

/* Uses of box_attack.n by jump_in(). */
enum {
	JUMP_N_LOOT,
	JUMP_N_GS,
	JUMP_N_FAKE_PAGE,
	JUMP_N_LEAN, /* the forged signal frame stands already */
};

/* U: fills in what the jump needs, and jumps. */
void jump_in(struct box_attack *a);
/* T: one jump, in a fresh isolate. */
void jump_once(struct box *b, const struct jump *j);

/* The same as a run of its own. */
const struct box_report *jump_run(
	const struct box_off *off, const struct jump *j);
bool jump_gained(const struct box_report *r, enum jump_gain gain);
/* A case: nothing gained. */
bool jump_case(const char *name, const struct jump *j);
/* A control: without these defences this is gained. */
bool jump_control(const char *name, const struct jump *j,
	const struct box_off *without, enum jump_gain gain);

/* Both for a WRPKRU: see jump_wrpkru(). */
struct jump_value {
	const char *name;
	uint64_t eax;
	enum box_place loot;
	enum jump_gain gain; /* without the gate's checks */
};
/* Every WRPKRU between two addresses, with n values, with and without GS.
 * Fewer than `least` of them is a failed case. */
void jump_wrpkru(void (*from)(void), void (*to)(void), unsigned least,
	const struct jump_value *v, size_t n);
/* A way to rt_sigreturn: refused by each wall alone; the control has neither.
 */
void jump_sigreturn(const struct jump *j);
/* The harness itself, a WRPKRU that nobody checks: what a value opens it opens
 * (a control), what it does not is of no use even so (a case). */
void jump_naked(const struct jump_value *v, bool opens);

/* Every write of a base: these 5 bytes, the last one's lower bits aside. Fewer
 * than `least` of them is a failed case. */
void jump_bases(const char *op, const char *bytes, unsigned least);

/* Next place of these bytes, from `at` on, the last under a mask; NULL: no. */
const unsigned char *jump_find(const unsigned char *at, const char *bytes,
	size_t n, unsigned char mask);
/* The same for one that must be there, at or behind a piece of the gate. */
uint64_t jump_place(void (*from)(void), const char *bytes, size_t n);
/* The piece that this address lies in. */
const char *jump_piece(const unsigned char *at);

extern const struct box_off jump_no_checks; /* the gate's UD2s */
extern const struct box_off jump_no_keys;
extern const struct box_off jump_neither;
