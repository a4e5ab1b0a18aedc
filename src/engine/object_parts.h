#pragma once
/*
 * What the parts of the object reader share: the object being read, and what
 * one part finds for the next. Private to object*.c.
 */
#include <elf.h>

#include "engine/object.h"

/* Is [at, at + size) within [0, end)? */
static inline bool object_within(uint64_t at, uint64_t size, uint64_t end)
{
	return at <= end && size <= end - at;
}

struct object_reader {
	struct object *o;
	struct refusals *refusals;
	const char *const *exports;
	Elf64_Phdr dynamic; /* p_type == PT_NULL: there is none */
	Elf64_Phdr relro;   /* the same */
	uint64_t hash;	    /* DT_HASH, 0: none */
	uint64_t gnu_hash;
	bool has_symbols; /* symbol and string table are in place */
};

/* The dynamic section: where the tables are, and what it asks for. */
void object_read_dynamic(struct object_reader *r);
/* Counts and checks the symbols. Wants the relocation tables in place. */
void object_read_symbols(struct object_reader *r);
void object_read_relocs(struct object_reader *r);

/* The string at `at` of the string table, if it ends within OBJECT_NAME_MAX;
 * else NULL. */
const char *object_string(const struct object *o, uint64_t at);
