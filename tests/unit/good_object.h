#pragma once
/*
 * A small shared object that is admitted, field by field, so that a test can
 * spoil one of them. What stands where in the file stands there in the image.
 */
#include <elf.h>
#include <stdint.h>

enum {
	GOOD_PAGE = 4096,
	GOOD_ENTRY = 16,    /* of the handler, in text */
	GOOD_BSS = 2 * 4096 /* zeros behind the file's bytes */
};

/* Program headers. */
enum {
	GOOD_TABLES, /* read-only */
	GOOD_TEXT,
	GOOD_TEXT2, /* its page is next to text's */
	GOOD_DATA,
	GOOD_DYNAMIC,
	GOOD_RELRO,
	GOOD_STACK,
	GOOD_SPARE_HEADER, /* PT_NULL */
	GOOD_HEADERS
};

/* Symbols. */
enum {
	GOOD_NOTHING,
	GOOD_LOG,  /* gv_log, of the runtime */
	GOOD_WEAK, /* of nobody */
	GOOD_HANDLER,
	GOOD_HELPER, /* a function in text2 */
	GOOD_TABLE,  /* data */
	GOOD_SYMBOLS
};

/* Entries of the dynamic section. */
enum {
	GOOD_D_GNU_HASH,
	GOOD_D_STRTAB,
	GOOD_D_STRSZ,
	GOOD_D_SYMTAB,
	GOOD_D_SYMENT,
	GOOD_D_RELA,
	GOOD_D_RELASZ,
	GOOD_D_RELAENT,
	GOOD_D_JMPREL,
	GOOD_D_PLTRELSZ,
	GOOD_D_PLTREL,
	GOOD_D_INIT,
	GOOD_D_INIT_ARRAY,
	GOOD_D_INIT_ARRAYSZ,
	GOOD_D_SONAME,
	GOOD_D_FLAGS,
	GOOD_D_SPARE, /* DT_NULL, and all behind it */
	GOOD_DYNAMICS = GOOD_D_SPARE + 4
};

enum {
	GOOD_R_RELATIVE,
	GOOD_R_64,
	GOOD_R_GLOB_DAT,
	GOOD_RELAS
};

struct good {
	/* Page 0. */
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[GOOD_HEADERS];
	struct {
		uint32_t n_buckets, first, n_words, shift;
		uint64_t filter[1];
		uint32_t bucket[1];
		uint32_t chain[GOOD_SYMBOLS - GOOD_HANDLER];
	} gnu_hash;
	struct {
		uint32_t n_buckets, n_chains, bucket[1], chain[GOOD_SYMBOLS];
	} hash; /* not pointed to */
	Elf64_Sym sym[GOOD_SYMBOLS];
	Elf64_Rela rela[GOOD_RELAS];
	Elf64_Rela jmprel[1];
	char str[128];
	/* Page 1, page 2. */
	_Alignas(GOOD_PAGE) uint8_t text[GOOD_PAGE];
	uint8_t text2[GOOD_PAGE];
	/* Page 3, and pages of zeros. */
	Elf64_Dyn dyn[GOOD_DYNAMICS];
	uint64_t init_array[1];
	uint64_t got[4];
	uint64_t table[8];
};

void good_make(struct good *g);
/* Where a name begins in str; the test asks for one of those that are there. */
uint32_t good_string(const struct good *g, const char *name);
