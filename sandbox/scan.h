#pragma once
/*
 * The code scanner: forbidden byte sequences, at every offset.
 *
 * Isolate code can jump to any byte, so instruction borders mean nothing and no
 * disassembler is asked. A pure function over bytes that it trusts in nothing;
 * it never reads outside [p, p + n).
 *
 *   WRPKRU    0F 01 EF
 *   XRSTOR    0F AE /5 with a memory operand
 *   WRBASE    0F AE /2 and /3 with a register: WRFSBASE and WRGSBASE once an F3
 *             stands somewhere before, and nothing at all without it, so that
 *             prefixes need not be looked for
 *   RSEQ      53 30 05 53, the signature before an abort handler
 *   SYSCALL   0F 05 (syscall), 0F 34 (sysenter), CD 80 (int 0x80)
 *
 * The 0F of the first three and of syscall may be written D5 80..FF (the REX2
 * prefix of APX, which selects the same table): that is a hit too.
 * XRSTORS, RSM (privileged), FXRSTOR, RDPKRU and RDFSBASE are none.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scan_class {
	SCAN_WRPKRU = 1,
	SCAN_XRSTOR = 2,
	SCAN_WRBASE = 4,
	SCAN_RSEQ = 8,
	SCAN_SYSCALL = 16,
	/* What no function's code may hold (system calls are the business of
	 * dispatch and filter, not of the scanner). */
	SCAN_FORBIDDEN = SCAN_WRPKRU | SCAN_XRSTOR | SCAN_WRBASE | SCAN_RSEQ,
	/* What the daemon's own text may hold in the gate alone. */
	SCAN_RIGHTS = SCAN_WRPKRU | SCAN_XRSTOR | SCAN_WRBASE,
};

enum {
	SCAN_LONGEST = 4
};

struct scan_hit {
	uint64_t offset; /* of the first byte; scan_self(): address */
	enum scan_class class;
	unsigned length;
};

/* Told of each hit, in ascending order; false ends the scan. */
typedef bool scan_hit_fn(void *arg, const struct scan_hit *hit);

/* Tells `hit` (NULL: nobody) of each sequence of the classes in [p, p + n).
 * Returns how many there were until the end. */
size_t scan_bytes(const uint8_t *p, size_t n, unsigned classes,
	scan_hit_fn *hit, void *arg);

/* "WRPKRU", "XRSTOR", ... */
const char *scan_class_name(enum scan_class c);

/*
 * The same over memory that comes in pieces: a sequence that straddles their
 * border is found as if they stood in one. Offsets count from `at`.
 */
struct scan {
	unsigned classes;
	scan_hit_fn *hit;
	void *arg;
	uint64_t at;  /* offset of the next piece */
	bool stopped; /* `hit` said false */
	size_t n_carry;
	uint8_t carry[SCAN_LONGEST - 1]; /* last bytes before `at` */
};

void scan_init(struct scan *s, uint64_t at, unsigned classes, scan_hit_fn *hit,
	void *arg);

/* Takes the piece at s->at. Returns the hits that end in it. */
size_t scan_next(struct scan *s, const uint8_t *p, size_t n);
