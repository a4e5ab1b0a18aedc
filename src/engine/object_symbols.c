/*
 * Symbols: how many there are, whether they make sense, and by name.
 *
 * The dynamic section says where the table begins and not where it ends. As
 * many as the hash tables know and the relocations use are read, no hash is
 * trusted for looking up. Outside, control thread; hostile input.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/exports.h"
#include "engine/object_parts.h"

const char *object_string(const struct object *o, uint64_t at)
{
	const uint8_t *p = object_at(o, o->strings.at, o->strings.size);
	uint64_t left;

	if (!p || at >= o->strings.size)
		return NULL;
	left = o->strings.size - at;
	if (left > OBJECT_NAME_MAX)
		left = OBJECT_NAME_MAX;
	return memchr(p + at, '\0', left) ? (const char *)p + at : NULL;
}

static bool raw_symbol(const struct object *o, uint32_t i, Elf64_Sym *ret)
{
	const uint8_t *p;

	if (i >= o->n_symbols)
		return false;
	p = object_at(
		o, o->symbols.at + (uint64_t)i * sizeof(*ret), sizeof(*ret));
	if (!p)
		return false;
	memcpy(ret, p, sizeof(*ret));
	return true;
}

bool object_symbol(
	const struct object *o, uint32_t i, struct object_symbol *ret)
{
	const char *name;
	Elf64_Sym s;

	if (!raw_symbol(o, i, &s))
		return false;
	name = object_string(o, s.st_name);
	if (!name)
		return false;
	*ret = (struct object_symbol){
		.name = name,
		.address = s.st_value,
		.size = s.st_size,
		.type = ELF64_ST_TYPE(s.st_info),
		.bind = ELF64_ST_BIND(s.st_info),
		.hidden = ELF64_ST_BIND(s.st_info) == STB_LOCAL ||
			  ELF64_ST_VISIBILITY(s.st_other) == STV_HIDDEN ||
			  ELF64_ST_VISIBILITY(s.st_other) == STV_INTERNAL,
		.section = s.st_shndx,
	};
	return true;
}

bool object_find(
	const struct object *o, const char *name, struct object_symbol *ret)
{
	struct object_symbol s;

	for (uint32_t i = 1; i < o->n_symbols; i++) {
		if (!object_symbol(o, i, &s) || s.hidden ||
			s.section == SHN_UNDEF || strcmp(s.name, name) != 0)
			continue;
		*ret = s;
		return true;
	}
	return false;
}

static bool word_at(const struct object *o, uint64_t at, uint32_t *ret)
{
	const uint8_t *p = object_at(o, at, sizeof(*ret));

	if (p)
		memcpy(ret, p, sizeof(*ret));
	return p != NULL;
}

/* DT_HASH: buckets, and one chain entry per symbol. */
static bool count_hash(const struct object *o, uint64_t at, uint32_t *ret)
{
	return word_at(o, at + 4, ret);
}

/* The chains' last symbol: chains begin where a bucket says and end where a
 * hash has its lowest bit set. */
static bool end_of_chain(
	const struct object *o, uint64_t chains, uint32_t i, uint32_t *ret)
{
	uint32_t hash = 0;

	for (; i < OBJECT_SYMBOLS_MAX; i++) {
		if (!word_at(o, chains + (uint64_t)i * 4, &hash))
			return false;
		if (hash & 1) {
			*ret = i + 1;
			return true;
		}
	}
	*ret = i + 1; /* too many: said by who compares */
	return true;
}

/* DT_GNU_HASH: {n_buckets, first symbol, words of the filter, shift}, filter,
 * buckets, chains of the symbols from the first one on. */
static bool count_gnu_hash(const struct object *o, uint64_t at, uint32_t *ret)
{
	uint32_t n_buckets, first, n_words, start, last = 0;
	uint64_t buckets;

	if (!word_at(o, at, &n_buckets) || !word_at(o, at + 4, &first) ||
		!word_at(o, at + 8, &n_words) ||
		n_buckets > OBJECT_SYMBOLS_MAX || n_words > OBJECT_SYMBOLS_MAX)
		return false;
	buckets = at + 16 + (uint64_t)n_words * 8;
	for (uint32_t i = 0; i < n_buckets; i++) {
		if (!word_at(o, buckets + (uint64_t)i * 4, &start) ||
			(start != 0 && start < first))
			return false;
		last = start > last ? start : last;
	}
	*ret = first;
	if (last == 0)
		return true;
	return end_of_chain(o,
		buckets + (uint64_t)n_buckets * 4 - (uint64_t)first * 4, last,
		ret);
}

/* The highest symbol that a relocation uses and that can be read at all. */
static uint32_t count_used(const struct object *o)
{
	uint64_t room = o->symbols.size / sizeof(Elf64_Sym);
	struct object_reloc rel;
	uint32_t n = 0;

	for (unsigned table = 0; table < 2; table++)
		for (size_t i = 0; i < object_n_relocs(o, table); i++)
			if (object_reloc(o, table, i, &rel) &&
				rel.symbol >= n && rel.symbol < room &&
				rel.symbol < OBJECT_SYMBOLS_MAX)
				n = rel.symbol + 1;
	return n;
}

static void count_symbols(struct object_reader *r)
{
	struct object *o = r->o;
	uint64_t room = o->symbols.size / sizeof(Elf64_Sym);
	uint32_t n = count_used(o), by_hash = 0, by_gnu = 0;

	if ((r->hash && !count_hash(o, r->hash, &by_hash)) ||
		(r->gnu_hash && !count_gnu_hash(o, r->gnu_hash, &by_gnu)))
		(void)refusals_add(r->refusals, REFUSAL_SYMBOL,
			"the hash table makes no sense");
	n = by_hash > n ? by_hash : n;
	n = by_gnu > n ? by_gnu : n;
	if (n > OBJECT_SYMBOLS_MAX) {
		(void)refusals_add(r->refusals, REFUSAL_TOO_LARGE,
			"more than %d symbols", OBJECT_SYMBOLS_MAX);
		n = OBJECT_SYMBOLS_MAX;
	}
	if (n > room) {
		(void)refusals_add(r->refusals, REFUSAL_SYMBOL,
			"%" PRIu32 " symbols, but room for %" PRIu64, n, room);
		n = (uint32_t)room;
	}
	o->n_symbols = n;
}

static void check_defined(
	struct object_reader *r, uint32_t i, const struct object_symbol *s)
{
	if (s->section == SHN_ABS)
		return;
	if (s->section >= SHN_LORESERVE)
		(void)refusals_add(r->refusals, REFUSAL_SYMBOL,
			"symbol %" PRIu32 ": unknown section %#x", i,
			s->section);
	/* One past the end is where linkers put _end. */
	else if (s->address > r->o->span)
		(void)refusals_add(r->refusals, REFUSAL_SYMBOL,
			"symbol %" PRIu32 ": outside the image", i);
}

static void check_symbol(
	struct object_reader *r, uint32_t i, const struct object_symbol *s)
{
	switch (s->type) {
	case STT_NOTYPE:
	case STT_OBJECT:
	case STT_FUNC:
	case STT_SECTION:
	case STT_FILE:
		break;
	case STT_TLS:
		(void)refusals_add(r->refusals, REFUSAL_TLS, "%s", s->name);
		return;
	case STT_GNU_IFUNC:
		(void)refusals_add(r->refusals, REFUSAL_IFUNC, "%s", s->name);
		return;
	default:
		(void)refusals_add(r->refusals, REFUSAL_SYMBOL,
			"symbol %" PRIu32 ": unknown type %u", i, s->type);
		return;
	}
	if (s->section != SHN_UNDEF)
		check_defined(r, i, s);
	else if (s->bind != STB_WEAK && !exports_have(r->exports, s->name))
		(void)refusals_add(
			r->refusals, REFUSAL_UNDEFINED, "%s", s->name);
}

void object_read_symbols(struct object_reader *r)
{
	struct object_symbol s;

	if (!r->has_symbols)
		return;
	count_symbols(r);
	/* Symbol 0 is no symbol. */
	for (uint32_t i = 1; i < r->o->n_symbols; i++) {
		if (object_symbol(r->o, i, &s))
			check_symbol(r, i, &s);
		else
			(void)refusals_add(r->refusals, REFUSAL_SYMBOL,
				"symbol %" PRIu32 ": no name, or a longer one "
				"than %d bytes",
				i, OBJECT_NAME_MAX);
	}
}
