#pragma once
/*
 * System calls of an isolate against two walls: user dispatch, and the worker's
 * filter. Each case is run four times, in a box of its own:
 *
 *   both walls      refused, by dispatch
 *   dispatch off    refused, by the filter alone
 *   filter off      refused, by dispatch alone
 *   both off        the control: the call is made, and does its harm
 *
 * Where keys stop the harm even then, that run is a case as well, and the
 * control leaves out the keys besides.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "tests/security/box.h"

/* What the control must come to. */
enum walls_harm {
	WALLS_LEAKED, /* the isolate leaves with a canary */
	WALLS_MADE,   /* ... with what the call returned: no error */
	WALLS_FATAL,  /* the same, or the process died of it meanwhile */
	WALLS_HURT,   /* the memory at .place changed */
	WALLS_HARMED, /* the process, or the worker, or a neighbour is gone */
	WALLS_SEEN,   /* .after found it, and set report->number[0] */
};

enum {
	WALLS_PKEY = -1 /* .keys: SEGV_PKUERR */
};

struct walls_case {
	const char *name;
	box_attack_fn *fn; /* U; the first call it makes is nr */
	int nr;
	/* The filter answers it, with -err, instead of raising SIGSYS. */
	bool answered;
	int err;
	/* Without walls the keys stop it: the call returns -keys. */
	int keys;
	enum walls_harm harm;
	enum box_place place;
	uint64_t n[7];
	/* Keeper, before and after; attack: the struct box_attack. */
	void (*before)(struct box *b, void *attack);
	void (*after)(struct box *b, void *attack);
};

void walls_try(const struct walls_case *c);
void walls_try_all(const struct walls_case *cases, size_t n);

#define WALLS_TRY(cases)                                                       \
	walls_try_all((cases), sizeof(cases) / sizeof(*(cases)))

/* The attack's own verdicts, of a run of a case. */
bool walls_refused(const struct box_report *r, int nr, int code);
bool walls_got(const struct box_end *e);

/* U. ----------------------------------------------------------------------- */

/* Leaves with the result when it is an error. */
uint64_t walls_call(
	uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3);
uint64_t walls_call6(uint64_t nr, const uint64_t args[6]);
/* The key that this isolate holds. */
uint64_t walls_own_key(const struct box_attack *a);
/* An attack: makes call n[0] with n[1..6], and leaves with its result. */
void walls_make(struct box_attack *a);

/* Arguments that only the isolate can tell: translated by walls_make(). */
#define WALLS_TOKEN 0xa11ce00000000000
#define WALLS_TOKEN_MASK 0xfffff00000000000
#define OWN(offset) (WALLS_TOKEN | (offset))
#define PLACE(place) (WALLS_TOKEN | (uint64_t)1 << 32 | (uint64_t)(place))
#define RING (WALLS_TOKEN | (uint64_t)2 << 32)
/* What .before left in a->value. */
#define GIVEN (WALLS_TOKEN | (uint64_t)3 << 32)

/* A case that is one call. */
#define WALLS_MAKE(call, ...)                                                  \
	{                                                                      \
		.name = #call, .fn = walls_make, .nr = SYS_##call,             \
		.harm = WALLS_MADE,                                            \
		.n = { SYS_##call,                                             \
			__VA_ARGS__ }                                          \
	}

/* walls_asm.S. U. ---------------------------------------------------------- */

/* int 0x80: n[0] number, n[1..6] arguments, 32 bits each. */
uint64_t walls_int80(const uint64_t n[7]);
/* fork, vfork or clone; the child exits at once. */
uint64_t walls_fork(uint64_t nr, uint64_t flags);
/* clone with a stack of the child's own, which calls fn(arg) there. */
uint64_t walls_clone(
	uint64_t flags, void *stack, void (*fn)(void *), void *arg);
uint64_t walls_clone3(
	const void *args, size_t size, void (*fn)(void *), void *arg);
/* sysenter: number, first argument, EBP. */
void walls_sysenter(uint64_t nr, uint64_t arg, uint64_t ebp);
/* Continues at eip in 32-bit mode. */
void walls_far(uint64_t eip, uint64_t rsp);
