#pragma once
/*
 * A native function's shared object, read: ELF64, x86-64, ET_DYN, as bytes.
 *
 * Hostile input from end to end. The reader never reads outside the bytes, does
 * not recurse, allocates nothing, and its time is bounded by the limits below.
 * Section headers are not looked at: only what a loader goes by counts. What
 * it can't admit it names in a list (refusal.h) and reads on, so that all
 * reasons come out at once.
 *
 * An object of which nothing was refused keeps these promises, on which a
 * loader relies:
 *   - segments ascend, share no page and end below OBJECT_SPAN_MAX; their bytes
 *     lie in the file; none is writable and executable; executable ones have
 *     all their bytes in the file
 *   - symbols below n_symbols have a name of at most OBJECT_NAME_MAX bytes, and
 *     the undefined ones are exports, or weak and thus 0
 *   - relocations are NONE, RELATIVE, GLOB_DAT, JUMP_SLOT or 64, each writes 8
 *     bytes inside one writable segment, and its symbol is below n_symbols
 *   - there are at most OBJECT_RELOCS_MAX of them, and in their order at most
 *     OBJECT_RELOC_PAGES_MAX changes from one page to another
 *   - init and fini are code of the object, their arrays whole words inside
 *     one segment
 *
 * Outside, control thread. Pure. The bytes must be memory that nobody else can
 * write, and stay as they are as long as the struct is used.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/refusal.h"

enum {
	OBJECT_PAGE = 4096,
	OBJECT_HEADERS_MAX = 64, /* program headers */
	OBJECT_SEGMENTS_MAX = 16,
	OBJECT_SYMBOLS_MAX = 65536,
	OBJECT_DYNAMIC_MAX = 256, /* entries of the dynamic section */
	OBJECT_NAME_MAX = 4096,
	OBJECT_INITS_MAX = 4096,
	/* Relocations are done for each isolate, by a thread that all share. */
	OBJECT_RELOCS_MAX = 1 << 18,
	OBJECT_RELOC_PAGES_MAX = 1024, /* changes from page to page */
	OBJECT_FILE_MAX = 16 << 20,
	OBJECT_SPAN_MAX = 64 << 20, /* of the image in memory */
};

/* Rights of a segment, as in its p_flags. */
enum object_rights {
	OBJECT_X = 1,
	OBJECT_W = 2,
	OBJECT_R = 4
};

struct object_segment {
	uint64_t address; /* in the image, from 0 */
	uint64_t memory;  /* bytes there; what the file lacks is zero */
	uint64_t offset;  /* in the file */
	uint64_t filled;  /* bytes from the file */
	unsigned rights;
};

/* A piece of the image; at == 0 and size == 0: there is none. */
struct object_range {
	uint64_t at;
	uint64_t size;
};

struct object {
	const uint8_t *bytes;
	size_t len;
	struct object_segment segments[OBJECT_SEGMENTS_MAX];
	unsigned n_segments;
	uint64_t span;		     /* image: [0, span), whole pages */
	struct object_range relro;   /* to be made read-only after relocation */
	struct object_range rela[2]; /* all, and those of the PLT */
	struct object_range init_array, fini_array;
	uint64_t init, fini; /* 0: none */
	struct object_range symbols, strings;
	uint32_t n_symbols;
	const char *soname; /* NULL: none */
};

struct object_symbol {
	const char *name;
	uint64_t address;
	uint64_t size;
	unsigned type;	  /* STT_* */
	unsigned bind;	  /* STB_* */
	unsigned hidden;  /* its visibility keeps it inside */
	unsigned section; /* SHN_* or anything */
};

struct object_reloc {
	uint64_t target;
	uint32_t type;	 /* R_X86_64_* */
	uint32_t symbol; /* 0: none */
	int64_t addend;
};

/* Reads it all. `exports`: names that the runtime defines, NULL-terminated.
 * False: the segments make no sense, and nothing behind them was read. */
bool object_read(struct object *ret, const void *bytes, size_t len,
	const char *const *exports, struct refusals *refusals);

/* The bytes of [at, at + size) of the image if the file has them, in one
 * segment; else NULL. */
const uint8_t *object_at(const struct object *o, uint64_t at, uint64_t size);
/* The segment that has all of [at, at + size), zeros included; or NULL. */
const struct object_segment *object_segment(
	const struct object *o, uint64_t at, uint64_t size);
/* Where in the file the image's byte comes from, or REFUSAL_NOWHERE. */
uint64_t object_offset(const struct object *o, uint64_t at);

/* i < n_symbols; false: it can't be read. */
bool object_symbol(
	const struct object *o, uint32_t i, struct object_symbol *ret);
/* A symbol that the object defines and lets others see. */
bool object_find(
	const struct object *o, const char *name, struct object_symbol *ret);
/* The code symbol whose address is the last one not beyond `at`, in the same
 * segment: for people. Local functions are known if the object is not stripped.
 * `name` and `address` of *ret are written, nothing else. */
bool object_nearest(
	const struct object *o, uint64_t at, struct object_symbol *ret);

/* Defined by nobody in the object: the runtime does, or it is weak and 0. */
static inline bool object_undefined(const struct object_symbol *s)
{
	return s->section == 0;
}

/* How many constructors there are. */
static inline uint64_t object_n_inits(const struct object *o)
{
	return o->init_array.size / sizeof(uint64_t) + (o->init != 0);
}

size_t object_n_relocs(const struct object *o, unsigned table);
/* i < object_n_relocs(o, table), table 0 or 1; false: it can't be read. */
bool object_reloc(const struct object *o, unsigned table, size_t i,
	struct object_reloc *ret);
