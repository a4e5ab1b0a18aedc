#pragma once
/*
 * A native function's code, made ready once and mapped into each isolate of it:
 * a sealed file that holds the image, what of it is read-only or code, what is
 * to be changed in a copy, and where the runtime begins.
 *
 * The file is scanned after it was sealed, and it is what isolates map: nobody
 * can change it any more. Isolates map it privately, so that they share its
 * pages until they write to them, and code is never written to.
 *
 * Trusted side. Made and freed on the control thread; the keeper maps it, any
 * worker may ask for names. Constant in between.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/admit.h"
#include "pkey/domain.h"

struct inside;

/* 8 bytes at `at` of the image become `value`, plus the image's own address
 * where the value lies in it. */
struct program_fix {
	uint32_t at;
	bool own;
	uint64_t value;
};

struct program {
	int fd; /* the image: [0, span); sealed */
	uint64_t span;
	uint64_t filled; /* whole pages from `filled` on are zero */
	/* What is not to be written to, once it is in place; counted from the
	 * image's start. */
	struct domain_part parts[DOMAIN_PARTS_MAX];
	unsigned n_parts;
	struct program_fix *fixes;
	size_t n_fixes;
	/* What the object says; its bytes are the program's own copy. */
	struct object object;
	uint8_t *bytes;
	uint64_t entry;		 /* in the image */
	uint64_t n_code;	 /* bytes that were scanned */
	uint64_t n_system_calls; /* let pass */
};

enum {
	PROGRAM_NAME_MAX = 64 /* bytes of a name that are told */
};

enum program_e {
	PROGRAM_E_SPLIT = 1, /* more pieces than a domain can have */
};

/* Of an object that was admitted; takes the file over from it. 0, -errno or
 * PROGRAM_E_SPLIT. */
int program_new(struct admit *a, struct program **ret_program);
struct program *program_free(struct program *p); /* NULL */

/*
 * Puts the image at `at`, a page of an address range that is the caller's,
 * and [at, at + span) gets the rights it is to have, but no key yet: trusted
 * memory, which no isolate can touch. 0 or -errno: what lies there is unclear.
 */
int program_map(const struct program *p, char *at);

/* Mappings that this adds to a range that was one. */
unsigned program_maps(const struct program *p);

/* Writes into *in where the code begins, for an image at `at`. */
void program_describe(const struct program *p, uint64_t at, struct inside *in);

/* "name+0x12" of an address in the image, harmless on a terminal; false:
 * nothing is known. */
bool program_name(
	const struct program *p, uint64_t at, char *text, size_t size);
