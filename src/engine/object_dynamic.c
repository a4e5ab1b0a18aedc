/*
 * The dynamic section, by a table of tags: what is kept, what is of no interest
 * and what is refused. A tag that is in no line of it is refused too.
 *
 * Two rounds: the first keeps numbers, the second refuses, by when names can be
 * told. Outside, control thread; hostile input.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/object_parts.h"

enum value {
	V_HASH,
	V_GNU_HASH,
	V_STRTAB,
	V_STRSZ,
	V_SYMTAB,
	V_SYMENT,
	V_RELA,
	V_RELASZ,
	V_RELAENT,
	V_JMPREL,
	V_PLTRELSZ,
	V_PLTREL,
	V_INIT,
	V_FINI,
	V_INIT_ARRAY,
	V_INIT_ARRAYSZ,
	V_FINI_ARRAY,
	V_FINI_ARRAYSZ,
	V_SONAME,
	V_FLAGS,
	N_VALUES
};

enum what {
	KEEP, /* arg: enum value */
	IGNORE,
	REFUSE, /* arg: enum refusal_code */
	NAMED,	/* the same; its value is a name */
};

/* Younger than the elf.h of this toolchain may be. */
#define TAG_RELR 36
#define TAG_X86_64_PLT 0x70000000 /* .. + 3: for people who read the PLT */

static const struct rule {
	int64_t tag;
	enum what what;
	unsigned arg;
	const char *name;
} rules[] = {
	{DT_HASH, KEEP, V_HASH, "DT_HASH"},
	{DT_GNU_HASH, KEEP, V_GNU_HASH, "DT_GNU_HASH"},
	{DT_STRTAB, KEEP, V_STRTAB, "DT_STRTAB"},
	{DT_STRSZ, KEEP, V_STRSZ, "DT_STRSZ"},
	{DT_SYMTAB, KEEP, V_SYMTAB, "DT_SYMTAB"},
	{DT_SYMENT, KEEP, V_SYMENT, "DT_SYMENT"},
	{DT_RELA, KEEP, V_RELA, "DT_RELA"},
	{DT_RELASZ, KEEP, V_RELASZ, "DT_RELASZ"},
	{DT_RELAENT, KEEP, V_RELAENT, "DT_RELAENT"},
	{DT_JMPREL, KEEP, V_JMPREL, "DT_JMPREL"},
	{DT_PLTRELSZ, KEEP, V_PLTRELSZ, "DT_PLTRELSZ"},
	{DT_PLTREL, KEEP, V_PLTREL, "DT_PLTREL"},
	{DT_INIT, KEEP, V_INIT, "DT_INIT"},
	{DT_FINI, KEEP, V_FINI, "DT_FINI"},
	{DT_INIT_ARRAY, KEEP, V_INIT_ARRAY, "DT_INIT_ARRAY"},
	{DT_INIT_ARRAYSZ, KEEP, V_INIT_ARRAYSZ, "DT_INIT_ARRAYSZ"},
	{DT_FINI_ARRAY, KEEP, V_FINI_ARRAY, "DT_FINI_ARRAY"},
	{DT_FINI_ARRAYSZ, KEEP, V_FINI_ARRAYSZ, "DT_FINI_ARRAYSZ"},
	{DT_SONAME, KEEP, V_SONAME, "DT_SONAME"},
	{DT_FLAGS, KEEP, V_FLAGS, "DT_FLAGS"},
	{DT_PLTGOT, IGNORE, 0, "DT_PLTGOT"},
	{DT_SYMBOLIC, IGNORE, 0, "DT_SYMBOLIC"},
	{DT_DEBUG, IGNORE, 0, "DT_DEBUG"},
	{DT_BIND_NOW, IGNORE, 0, "DT_BIND_NOW"},
	{DT_FLAGS_1, IGNORE, 0, "DT_FLAGS_1"},
	{DT_RELACOUNT, IGNORE, 0, "DT_RELACOUNT"},
	{DT_VERSYM, IGNORE, 0, "DT_VERSYM"},
	{DT_VERDEF, IGNORE, 0, "DT_VERDEF"},
	{DT_VERDEFNUM, IGNORE, 0, "DT_VERDEFNUM"},
	{TAG_X86_64_PLT, IGNORE, 0, "DT_X86_64_PLT"},
	{TAG_X86_64_PLT + 1, IGNORE, 0, "DT_X86_64_PLTSZ"},
	{TAG_X86_64_PLT + 3, IGNORE, 0, "DT_X86_64_PLTENT"},
	{DT_NEEDED, NAMED, REFUSAL_NEEDED, "DT_NEEDED"},
	{DT_RPATH, NAMED, REFUSAL_SEARCH_PATH, "DT_RPATH"},
	{DT_RUNPATH, NAMED, REFUSAL_SEARCH_PATH, "DT_RUNPATH"},
	{DT_AUDIT, NAMED, REFUSAL_AUDIT, "DT_AUDIT"},
	{DT_DEPAUDIT, NAMED, REFUSAL_AUDIT, "DT_DEPAUDIT"},
	{DT_FILTER, NAMED, REFUSAL_FILTER, "DT_FILTER"},
	{DT_AUXILIARY, NAMED, REFUSAL_FILTER, "DT_AUXILIARY"},
	{DT_VERNEED, REFUSE, REFUSAL_VERSIONS, "DT_VERNEED"},
	/* Stands beside the one above, which speaks for both; as do the sizes
	 * below. */
	{DT_VERNEEDNUM, IGNORE, 0, "DT_VERNEEDNUM"},
	{DT_TEXTREL, REFUSE, REFUSAL_TEXT_RELOCATIONS, "DT_TEXTREL"},
	{DT_REL, REFUSE, REFUSAL_RELOCATION_TYPE, "DT_REL"},
	{DT_RELSZ, IGNORE, 0, "DT_RELSZ"},
	{DT_RELENT, IGNORE, 0, "DT_RELENT"},
	{TAG_RELR, REFUSE, REFUSAL_RELOCATION_TYPE, "DT_RELR"},
	{TAG_RELR - 1, IGNORE, 0, "DT_RELRSZ"},
	{TAG_RELR + 1, IGNORE, 0, "DT_RELRENT"},
	{DT_PREINIT_ARRAY, REFUSE, REFUSAL_INIT, "DT_PREINIT_ARRAY"},
	{DT_PREINIT_ARRAYSZ, IGNORE, 0, "DT_PREINIT_ARRAYSZ"},
	{DT_TLSDESC_PLT, REFUSE, REFUSAL_TLS, "DT_TLSDESC_PLT"},
	{DT_TLSDESC_GOT, REFUSE, REFUSAL_TLS, "DT_TLSDESC_GOT"},
};

struct dynamic {
	struct object_reader *r;
	const uint8_t *entries;
	size_t n;
	uint64_t seen; /* bit per enum value */
	uint64_t values[N_VALUES];
};

__attribute__((format(printf, 2, 3))) static void bad(
	struct object_reader *r, const char *fmt, ...)
{
	char text[REFUSAL_DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)refusals_add(r->refusals, REFUSAL_DYNAMIC, "%s", text);
}

static const struct rule *rule_of(int64_t tag)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].tag == tag)
			return &rules[i];
	return NULL;
}

static Elf64_Dyn entry(const struct dynamic *d, size_t i)
{
	Elf64_Dyn e;

	memcpy(&e, d->entries + i * sizeof(e), sizeof(e));
	return e;
}

static bool has(const struct dynamic *d, enum value v)
{
	return d->seen >> v & 1;
}

/* Where the section is, and how many entries stand before its end. */
static bool find_entries(struct dynamic *d)
{
	const Elf64_Phdr *p = &d->r->dynamic;
	size_t room = p->p_filesz / sizeof(Elf64_Dyn);

	if (p->p_type == PT_NULL) {
		bad(d->r, "there is none");
		return false;
	}
	d->entries = object_at(d->r->o, p->p_vaddr, p->p_filesz);
	if (!d->entries || object_offset(d->r->o, p->p_vaddr) != p->p_offset) {
		bad(d->r, "it is not inside a segment");
		return false;
	}
	if (room > OBJECT_DYNAMIC_MAX)
		room = OBJECT_DYNAMIC_MAX;
	for (d->n = 0; d->n < room; d->n++)
		if (entry(d, d->n).d_tag == DT_NULL)
			return true;
	bad(d->r, "no DT_NULL among its first %zu entries", room);
	return false;
}

static void keep_values(struct dynamic *d)
{
	for (size_t i = 0; i < d->n; i++) {
		Elf64_Dyn e = entry(d, i);
		const struct rule *rule = rule_of(e.d_tag);

		if (!rule || rule->what != KEEP)
			continue;
		if (d->seen >> rule->arg & 1)
			bad(d->r, "%s twice", rule->name);
		d->seen |= (uint64_t)1 << rule->arg;
		d->values[rule->arg] = e.d_un.d_val;
	}
}

static void refuse_entries(struct dynamic *d)
{
	struct refusals *refusals = d->r->refusals;

	for (size_t i = 0; i < d->n; i++) {
		Elf64_Dyn e = entry(d, i);
		const struct rule *rule = rule_of(e.d_tag);
		const char *name = NULL;

		if (!rule) {
			(void)refusals_add(refusals, REFUSAL_DYNAMIC_TAG,
				"tag %#" PRIx64, (uint64_t)e.d_tag);
			continue;
		}
		if (rule->what == NAMED && d->r->has_symbols)
			name = object_string(d->r->o, e.d_un.d_val);
		if (rule->what == NAMED || rule->what == REFUSE)
			(void)refusals_add(refusals,
				(enum refusal_code)rule->arg, "%s%s%s",
				rule->name, name ? " " : "", name ? name : "");
	}
}

static void refuse_flags(const struct dynamic *d)
{
	uint64_t flags = d->values[V_FLAGS];
	uint64_t known = DF_ORIGIN | DF_SYMBOLIC | DF_TEXTREL | DF_BIND_NOW |
			 DF_STATIC_TLS;

	if (flags & DF_TEXTREL)
		(void)refusals_add(
			d->r->refusals, REFUSAL_TEXT_RELOCATIONS, "DF_TEXTREL");
	if (flags & DF_STATIC_TLS)
		(void)refusals_add(
			d->r->refusals, REFUSAL_TLS, "DF_STATIC_TLS");
	if (flags & ~known)
		(void)refusals_add(d->r->refusals, REFUSAL_DYNAMIC_TAG,
			"DT_FLAGS %#" PRIx64, flags & ~known);
}

/* Symbols and their names. How many there are nobody says: the table may go on
 * to the end of its segment's bytes. */
static void place_symbols(const struct dynamic *d)
{
	struct object *o = d->r->o;
	uint64_t at = d->values[V_SYMTAB];
	uint64_t strings = d->values[V_STRTAB], size = d->values[V_STRSZ];
	const struct object_segment *s = object_segment(o, at, 1);
	const uint8_t *text = object_at(o, strings, size);

	if (!has(d, V_SYMTAB) || !has(d, V_STRTAB)) {
		bad(d->r, "no symbol table");
		return;
	}
	if (has(d, V_SYMENT) && d->values[V_SYMENT] != sizeof(Elf64_Sym)) {
		bad(d->r, "symbols of another size");
		return;
	}
	if (!text || size == 0 || text[size - 1] != '\0') {
		bad(d->r, "the string table is not inside a segment, or has "
			  "no end");
		return;
	}
	if (!s || !object_at(o, at, sizeof(Elf64_Sym))) {
		bad(d->r, "the symbol table is not inside a segment");
		return;
	}
	o->symbols = (struct object_range){at, s->filled - (at - s->address)};
	o->strings = (struct object_range){strings, size};
	d->r->hash = d->values[V_HASH];
	d->r->gnu_hash = d->values[V_GNU_HASH];
	d->r->has_symbols = true;
}

/* One table of relocations: `at` and `size` belong together. */
static void place_relocs(
	const struct dynamic *d, enum value at, enum value size, unsigned table)
{
	struct object_range range = {d->values[at], d->values[size]};
	const char *name = table ? "PLT relocations" : "relocations";

	if (has(d, at) != has(d, size)) {
		bad(d->r, "%s: address or size is missing", name);
		return;
	}
	if (range.size == 0)
		return;
	if (range.size % sizeof(Elf64_Rela) ||
		!object_at(d->r->o, range.at, range.size)) {
		bad(d->r, "%s: not whole, or not inside a segment", name);
		return;
	}
	d->r->o->rela[table] = range;
}

static void place_all_relocs(const struct dynamic *d)
{
	if (has(d, V_RELAENT) && d->values[V_RELAENT] != sizeof(Elf64_Rela)) {
		bad(d->r, "relocations of another size");
		return;
	}
	if (has(d, V_PLTREL) && d->values[V_PLTREL] != DT_RELA) {
		bad(d->r, "PLT relocations of another kind");
		return;
	}
	place_relocs(d, V_RELA, V_RELASZ, 0);
	place_relocs(d, V_JMPREL, V_PLTRELSZ, 1);
}

static uint64_t place_code(
	const struct dynamic *d, enum value v, const char *name)
{
	uint64_t at = d->values[v];
	const struct object_segment *s = object_segment(d->r->o, at, 1);

	if (at == 0 || (s && s->rights & OBJECT_X))
		return at;
	(void)refusals_add(d->r->refusals, REFUSAL_INIT,
		"%s at %#" PRIx64 " is no code", name, at);
	return 0;
}

static struct object_range place_array(
	const struct dynamic *d, enum value at, enum value size)
{
	struct object_range range = {d->values[at], d->values[size]};

	if (range.size == 0)
		return (struct object_range){0};
	if (range.size % sizeof(uint64_t) == 0 &&
		range.size / sizeof(uint64_t) <= OBJECT_INITS_MAX &&
		object_segment(d->r->o, range.at, range.size))
		return range;
	(void)refusals_add(d->r->refusals, REFUSAL_INIT,
		"array of %" PRIu64 " bytes at %#" PRIx64
		": not whole, too long or outside",
		range.size, range.at);
	return (struct object_range){0};
}

static void place_soname(const struct dynamic *d)
{
	struct object *o = d->r->o;

	if (!has(d, V_SONAME) || !d->r->has_symbols)
		return;
	o->soname = object_string(o, d->values[V_SONAME]);
	if (!o->soname)
		bad(d->r, "DT_SONAME is no name");
}

void object_read_dynamic(struct object_reader *r)
{
	struct dynamic d = {.r = r};
	struct object *o = r->o;

	if (!find_entries(&d))
		return;
	keep_values(&d);
	place_symbols(&d);
	place_all_relocs(&d);
	place_soname(&d);
	o->init = place_code(&d, V_INIT, "DT_INIT");
	o->fini = place_code(&d, V_FINI, "DT_FINI");
	o->init_array = place_array(&d, V_INIT_ARRAY, V_INIT_ARRAYSZ);
	o->fini_array = place_array(&d, V_FINI_ARRAY, V_FINI_ARRAYSZ);
	refuse_entries(&d);
	refuse_flags(&d);
}
