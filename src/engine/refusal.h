#pragma once
/*
 * Why native code is not admitted: the vocabulary, and a bounded list of what
 * was found. All reasons are collected, so that whoever built the object can
 * mend them in one go; of each kind the first few are kept with their places
 * and the rest is counted, so that a hostile object can't make the list grow.
 *
 * Outside, control thread. No malloc. The texts hold names out of the object,
 * hostile bytes: whoever prints them escapes them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum refusal_code {
	REFUSAL_NOT_ELF,
	REFUSAL_NOT_64,
	REFUSAL_NOT_X86_64,
	REFUSAL_NOT_SHARED,
	REFUSAL_TOO_LARGE,
	REFUSAL_HEADER,
	REFUSAL_SEGMENT,
	REFUSAL_OVERLAP,
	REFUSAL_WRITABLE_CODE,
	REFUSAL_EXECUTABLE_STACK,
	REFUSAL_INTERPRETER,
	REFUSAL_DYNAMIC,
	REFUSAL_DYNAMIC_TAG,
	REFUSAL_NEEDED,
	REFUSAL_SEARCH_PATH,
	REFUSAL_AUDIT,
	REFUSAL_FILTER,
	REFUSAL_VERSIONS,
	REFUSAL_TEXT_RELOCATIONS,
	REFUSAL_TLS,
	REFUSAL_IFUNC,
	REFUSAL_SYMBOL,
	REFUSAL_UNDEFINED,
	REFUSAL_RELOCATION,
	REFUSAL_RELOCATION_TYPE,
	REFUSAL_RELOCATION_CODE,
	REFUSAL_RELOCATION_TARGET,
	REFUSAL_INIT,
	REFUSAL_ENTRY_MISSING,
	REFUSAL_ENTRY_NO_CODE,
	REFUSAL_ABI,
	REFUSAL_WRPKRU,
	REFUSAL_XRSTOR,
	REFUSAL_WRITE_BASE,
	REFUSAL_RSEQ,
	REFUSAL_SYSTEM_CALL,
	N_REFUSALS
};

enum {
	REFUSAL_SYMBOL_MAX = 64,
	REFUSAL_DETAIL_MAX = 112,
	REFUSAL_BYTES_MAX = 8,
	REFUSALS_EACH = 8 /* kept of one code */
};

/* No such place. */
#define REFUSAL_NOWHERE UINT64_MAX

struct refusal {
	enum refusal_code code;
	uint64_t offset;  /* in the file, or REFUSAL_NOWHERE */
	uint64_t address; /* in the image, or REFUSAL_NOWHERE */
	char detail[REFUSAL_DETAIL_MAX];
	/* Of machine code: what stands there, and where it belongs. */
	char symbol[REFUSAL_SYMBOL_MAX]; /* "": none is known */
	uint64_t symbol_offset;
	uint8_t bytes[REFUSAL_BYTES_MAX];
	unsigned n_bytes;
};

struct refusals {
	uint64_t counts[N_REFUSALS];
	uint64_t n_total;
	size_t n; /* kept: in the order in which they were found */
	struct refusal kept[N_REFUSALS * REFUSALS_EACH];
};

void refusals_init(struct refusals *r);
/* Counts it. Returns where to write more about it, NULL when enough of this
 * code are kept. The detail may be "". */
__attribute__((format(printf, 3, 4))) struct refusal *refusals_add(
	struct refusals *r, enum refusal_code code, const char *fmt, ...);

/* "writable-code": stable, for programs. */
const char *refusal_name(enum refusal_code code);
/* One line for people: what it means and what to do. */
const char *refusal_text(enum refusal_code code);
