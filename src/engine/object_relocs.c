/*
 * Relocations: which there are, and whether each may be done. None is done
 * here. Outside, control thread; hostile input.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/object_parts.h"

size_t object_n_relocs(const struct object *o, unsigned table)
{
	return o->rela[table].size / sizeof(Elf64_Rela);
}

bool object_reloc(const struct object *o, unsigned table, size_t i,
	struct object_reloc *ret)
{
	const uint8_t *p;
	Elf64_Rela e;

	if (i >= object_n_relocs(o, table))
		return false;
	p = object_at(o, o->rela[table].at + i * sizeof(e), sizeof(e));
	if (!p)
		return false;
	memcpy(&e, p, sizeof(e));
	*ret = (struct object_reloc){
		.target = e.r_offset,
		.type = (uint32_t)ELF64_R_TYPE(e.r_info),
		.symbol = (uint32_t)ELF64_R_SYM(e.r_info),
		.addend = e.r_addend,
	};
	return true;
}

static const char *symbol_name(const struct object *o, uint32_t i)
{
	struct object_symbol s;

	return i && object_symbol(o, i, &s) ? s.name : "";
}

/* A refusal of one relocation, with its place. There may be a great many of
 * them: what costs time is done for those that are kept. */
static void refuse(struct object_reader *r, enum refusal_code code,
	const struct object_reloc *rel, const char *why)
{
	struct refusal *one = refusals_add(r->refusals, code, "%s", why);
	const char *name;

	if (!one)
		return;
	name = symbol_name(r->o, rel->symbol);
	if (code == REFUSAL_RELOCATION_TYPE)
		(void)snprintf(one->detail, sizeof(one->detail),
			"%s %" PRIu32 "%s%s", why, rel->type,
			name[0] ? " of " : "", name);
	else if (name[0])
		(void)snprintf(one->detail, sizeof(one->detail), "%s of %s",
			why, name);
	one->address = rel->target;
	one->offset = object_offset(r->o, rel->target);
}

static bool check_type(struct object_reader *r, const struct object_reloc *rel)
{
	switch (rel->type) {
	case R_X86_64_64:
	case R_X86_64_GLOB_DAT:
	case R_X86_64_JUMP_SLOT:
	case R_X86_64_RELATIVE:
		return true;
	case R_X86_64_IRELATIVE:
		refuse(r, REFUSAL_IFUNC, rel, "R_X86_64_IRELATIVE");
		return false;
	case R_X86_64_DTPMOD64:
	case R_X86_64_DTPOFF64:
	case R_X86_64_TPOFF64:
	case R_X86_64_TLSGD:
	case R_X86_64_TLSLD:
	case R_X86_64_DTPOFF32:
	case R_X86_64_GOTTPOFF:
	case R_X86_64_TPOFF32:
	case R_X86_64_TLSDESC:
	case R_X86_64_TLSDESC_CALL:
	case R_X86_64_GOTPC32_TLSDESC:
		refuse(r, REFUSAL_TLS, rel, "a relocation");
		return false;
	default:
		refuse(r, REFUSAL_RELOCATION_TYPE, rel, "type");
		return false;
	}
}

static void check_target(
	struct object_reader *r, const struct object_reloc *rel)
{
	const struct object_segment *s =
		object_segment(r->o, rel->target, sizeof(uint64_t));

	if (!s)
		refuse(r, REFUSAL_RELOCATION_TARGET, rel, "outside");
	else if (s->rights & OBJECT_X)
		refuse(r, REFUSAL_RELOCATION_CODE, rel, "a word");
	else if (!(s->rights & OBJECT_W))
		refuse(r, REFUSAL_RELOCATION_TARGET, rel, "read-only data");
}

static void check(struct object_reader *r, const struct object_reloc *rel)
{
	if (rel->type == R_X86_64_NONE || !check_type(r, rel))
		return;
	if (rel->symbol && rel->symbol >= r->o->n_symbols)
		refuse(r, REFUSAL_RELOCATION, rel, "no such symbol");
	else if (rel->symbol && rel->type == R_X86_64_RELATIVE)
		refuse(r, REFUSAL_RELOCATION, rel, "a symbol, and none wanted");
	check_target(r, rel);
}

/* What it costs to do them all, for each isolate. */
static void check_cost(struct object_reader *r, size_t n, size_t pages)
{
	if (n > OBJECT_RELOCS_MAX)
		(void)refusals_add(r->refusals, REFUSAL_TOO_LARGE,
			"%zu relocations, more than %d", n, OBJECT_RELOCS_MAX);
	if (pages > OBJECT_RELOC_PAGES_MAX)
		(void)refusals_add(r->refusals, REFUSAL_TOO_LARGE,
			"relocations in more than %d pages",
			OBJECT_RELOC_PAGES_MAX);
}

void object_read_relocs(struct object_reader *r)
{
	uint64_t page = UINT64_MAX;
	size_t n = 0, pages = 0;
	struct object_reloc rel;

	/* Without symbols there is nothing to hold them against. */
	if (!r->has_symbols)
		return;
	for (unsigned table = 0; table < 2; table++)
		for (size_t i = 0; i < object_n_relocs(r->o, table); i++) {
			if (!object_reloc(r->o, table, i, &rel))
				continue;
			check(r, &rel);
			n++;
			pages += rel.target / OBJECT_PAGE != page;
			page = rel.target / OBJECT_PAGE;
		}
	check_cost(r, n, pages);
}
