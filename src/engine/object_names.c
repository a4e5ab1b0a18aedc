/*
 * Names of code for people: which function stands at an address? Besides the
 * symbols that a loader knows this reads the section headers, where a linker
 * leaves the local functions unless it was told to strip. Nothing but texts
 * depends on what is found. Outside, control thread; hostile input.
 */
#include <string.h>

#include "engine/object_parts.h"

enum {
	SECTIONS_MAX = 1024
};

/* A table of symbols in the file, and its strings. */
struct names {
	const uint8_t *symbols;
	size_t n;
	const char *strings;
	uint64_t size; /* of the strings */
};

static bool section(const struct object *o, const Elf64_Ehdr *h, unsigned i,
	Elf64_Shdr *ret)
{
	uint64_t at = (uint64_t)i * sizeof(*ret);

	if (i >= h->e_shnum || !object_within(h->e_shoff, at, o->len) ||
		!object_within(h->e_shoff + at, sizeof(*ret), o->len))
		return false;
	memcpy(ret, o->bytes + h->e_shoff + at, sizeof(*ret));
	return ret->sh_type == SHT_NOBITS ||
	       object_within(ret->sh_offset, ret->sh_size, o->len);
}

/* The table that the section has, with the strings it is linked to. */
static bool take_table(const struct object *o, const Elf64_Ehdr *h,
	const Elf64_Shdr *s, struct names *ret)
{
	Elf64_Shdr strings;

	if (s->sh_type != SHT_SYMTAB || s->sh_entsize != sizeof(Elf64_Sym) ||
		!section(o, h, s->sh_link, &strings) ||
		strings.sh_type != SHT_STRTAB)
		return false;
	ret->symbols = o->bytes + s->sh_offset;
	ret->n = s->sh_size / sizeof(Elf64_Sym);
	if (ret->n > OBJECT_SYMBOLS_MAX)
		ret->n = OBJECT_SYMBOLS_MAX;
	ret->strings = (const char *)o->bytes + strings.sh_offset;
	ret->size = strings.sh_size;
	return true;
}

static struct names local_names(const struct object *o)
{
	struct names none = {0}, found;
	Elf64_Ehdr h;
	Elf64_Shdr s;

	if (o->len < sizeof(h))
		return none;
	memcpy(&h, o->bytes, sizeof(h));
	if (h.e_shentsize != sizeof(s) || h.e_shnum > SECTIONS_MAX)
		return none;
	for (unsigned i = 0; i < h.e_shnum; i++)
		if (section(o, &h, i, &s) && take_table(o, &h, &s, &found))
			return found;
	return none;
}

static struct names shared_names(const struct object *o)
{
	struct names n = {.n = o->n_symbols, .size = o->strings.size};

	n.symbols = object_at(o, o->symbols.at, n.n * sizeof(Elf64_Sym));
	n.strings = (const char *)object_at(o, o->strings.at, n.size);
	if (!n.symbols || !n.strings)
		n.n = 0;
	return n;
}

static bool is_code(const Elf64_Sym *s)
{
	unsigned type = ELF64_ST_TYPE(s->st_info);

	return s->st_shndx != SHN_UNDEF && s->st_shndx != SHN_ABS &&
	       s->st_name != 0 && (type == STT_FUNC || type == STT_NOTYPE);
}

static const char *name_of(const struct names *n, const Elf64_Sym *s)
{
	uint64_t left;

	if (s->st_name >= n->size)
		return NULL;
	left = n->size - s->st_name;
	if (left > OBJECT_NAME_MAX)
		left = OBJECT_NAME_MAX;
	return memchr(n->strings + s->st_name, '\0', left)
		       ? n->strings + s->st_name
		       : NULL;
}

/* The symbol at the highest address in [from, at], if it beats *ret. Names are
 * read of the winner alone: those of all can be a lot. */
static void find_nearest(const struct names *n, uint64_t from, uint64_t at,
	struct object_symbol *ret)
{
	Elf64_Sym best = {0}, s;
	const char *name;

	for (size_t i = 1; i < n->n; i++) {
		memcpy(&s, n->symbols + i * sizeof(s), sizeof(s));
		if (is_code(&s) && s.st_value >= from && s.st_value <= at &&
			(!best.st_name || s.st_value > best.st_value))
			best = s;
	}
	if (!best.st_name || (ret->name && best.st_value <= ret->address))
		return;
	name = name_of(n, &best);
	if (!name)
		return;
	ret->name = name;
	ret->address = best.st_value;
}

bool object_nearest(
	const struct object *o, uint64_t at, struct object_symbol *ret)
{
	const struct object_segment *in = object_segment(o, at, 1);
	const struct names shared = shared_names(o), local = local_names(o);
	struct object_symbol found = {0};

	if (!in)
		return false;
	find_nearest(&shared, in->address, at, &found);
	find_nearest(&local, in->address, at, &found);
	if (!found.name)
		return false;
	ret->name = found.name;
	ret->address = found.address;
	return true;
}
