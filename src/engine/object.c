/*
 * The file header and the program headers, and addresses of the image as bytes
 * of the file. Outside, control thread; every number is hostile: sizes are
 * compared by subtraction from what is known to be larger, never added first.
 */
#include "engine/object.h"

#include <inttypes.h>
#include <string.h>

#include "engine/object_parts.h"

#define PAGE ((uint64_t)OBJECT_PAGE)
/* Younger than the elf.h of this toolchain may be. */
#define PT_SFRAME 0x6474e554

static uint64_t page_down(uint64_t a)
{
	return a & ~(PAGE - 1);
}

static uint64_t page_up(uint64_t a)
{
	return page_down(a + PAGE - 1);
}

const struct object_segment *object_segment(
	const struct object *o, uint64_t at, uint64_t size)
{
	for (unsigned i = 0; i < o->n_segments; i++) {
		const struct object_segment *s = &o->segments[i];

		if (at >= s->address && at - s->address < s->memory &&
			size <= s->memory - (at - s->address))
			return s;
	}
	return NULL;
}

const uint8_t *object_at(const struct object *o, uint64_t at, uint64_t size)
{
	const struct object_segment *s = object_segment(o, at, size);

	if (!s || !object_within(at - s->address, size, s->filled))
		return NULL;
	return o->bytes + s->offset + (at - s->address);
}

uint64_t object_offset(const struct object *o, uint64_t at)
{
	const struct object_segment *s = object_segment(o, at, 1);

	if (!s || at - s->address >= s->filled)
		return REFUSAL_NOWHERE;
	return s->offset + (at - s->address);
}

/* A refusal of the i-th program header. */
static bool segment_bad(
	struct object_reader *r, enum refusal_code code, int i, const char *why)
{
	(void)refusals_add(r->refusals, code, "program header %d: %s", i, why);
	return false;
}

/* What makes no sense about the numbers of one PT_LOAD; NULL: nothing. */
static const char *load_nonsense(const struct object *o, const Elf64_Phdr *p)
{
	if (p->p_filesz > p->p_memsz)
		return "larger in the file than in memory";
	if (!object_within(p->p_offset, p->p_filesz, o->len))
		return "beyond the end of the file";
	if ((p->p_offset ^ p->p_vaddr) & (PAGE - 1))
		return "at another place in its page than in the file";
	if (p->p_align & (p->p_align - 1))
		return "an alignment that is no power of two";
	if (p->p_flags & ~(uint32_t)(PF_R | PF_W | PF_X))
		return "unknown flags";
	return NULL;
}

/* Rights that no segment may have; the image can be laid out all the same. */
static void check_rights(struct object_reader *r, const Elf64_Phdr *p, int i)
{
	if (!(p->p_flags & PF_X))
		return;
	if (p->p_flags & PF_W)
		(void)segment_bad(
			r, REFUSAL_WRITABLE_CODE, i, "writable and executable");
	if (p->p_memsz != p->p_filesz)
		(void)segment_bad(
			r, REFUSAL_SEGMENT, i, "code that is not in the file");
}

static bool take_load(struct object_reader *r, const Elf64_Phdr *p, int i)
{
	struct object *o = r->o;
	const char *nonsense = load_nonsense(o, p);

	if (nonsense)
		return segment_bad(r, REFUSAL_SEGMENT, i, nonsense);
	if (p->p_memsz == 0)
		return true;
	if (!object_within(p->p_vaddr, p->p_memsz, OBJECT_SPAN_MAX))
		return segment_bad(
			r, REFUSAL_TOO_LARGE, i, "the image is too large");
	if (o->n_segments == OBJECT_SEGMENTS_MAX)
		return segment_bad(
			r, REFUSAL_TOO_LARGE, i, "too many segments");
	if (page_down(p->p_vaddr) < o->span)
		return segment_bad(r, REFUSAL_OVERLAP, i,
			"on a page of the one before, or below it");
	check_rights(r, p, i);
	o->segments[o->n_segments++] = (struct object_segment){
		.address = p->p_vaddr,
		.memory = p->p_memsz,
		.offset = p->p_offset,
		.filled = p->p_filesz,
		.rights = p->p_flags,
	};
	o->span = page_up(p->p_vaddr + p->p_memsz);
	return true;
}

/* The only one of its kind. */
static bool take_once(
	struct object_reader *r, Elf64_Phdr *once, const Elf64_Phdr *p, int i)
{
	if (once->p_type != PT_NULL)
		return segment_bad(
			r, REFUSAL_SEGMENT, i, "the second of its kind");
	*once = *p;
	return true;
}

static void refuse_interpreter(struct object_reader *r, const Elf64_Phdr *p)
{
	const struct object *o = r->o;
	int n = 0;

	if (object_within(p->p_offset, p->p_filesz, o->len))
		n = (int)strnlen((const char *)o->bytes + p->p_offset,
			p->p_filesz < REFUSAL_DETAIL_MAX ? p->p_filesz
							 : REFUSAL_DETAIL_MAX);
	(void)refusals_add(r->refusals, REFUSAL_INTERPRETER, "%.*s", n,
		n ? (const char *)o->bytes + p->p_offset : "");
}

/* False: the image can't be laid out. */
static bool take_header(struct object_reader *r, const Elf64_Phdr *p, int i)
{
	switch (p->p_type) {
	case PT_LOAD:
		return take_load(r, p, i);
	case PT_DYNAMIC:
		return take_once(r, &r->dynamic, p, i);
	case PT_GNU_RELRO:
		return take_once(r, &r->relro, p, i);
	case PT_INTERP:
		refuse_interpreter(r, p);
		return true;
	case PT_TLS:
		(void)refusals_add(r->refusals, REFUSAL_TLS,
			"%" PRIu64 " bytes in a segment of them", p->p_memsz);
		return true;
	case PT_GNU_STACK:
		if (p->p_flags & PF_X)
			(void)segment_bad(r, REFUSAL_EXECUTABLE_STACK, i,
				"PT_GNU_STACK with X");
		return true;
	case PT_NULL:
	case PT_NOTE:
	case PT_PHDR:
	case PT_GNU_EH_FRAME:
	case PT_GNU_PROPERTY:
	case PT_SFRAME:
		return true;
	default:
		(void)refusals_add(r->refusals, REFUSAL_SEGMENT,
			"program header %d: unknown type %#x", i, p->p_type);
		return true;
	}
}

/* A linker may round its end up to a page. */
static void take_relro(struct object_reader *r)
{
	const Elf64_Phdr *p = &r->relro;
	const struct object_segment *s;

	if (p->p_type == PT_NULL || p->p_memsz == 0)
		return;
	s = object_segment(r->o, p->p_vaddr, 1);
	if (!s || !(s->rights & OBJECT_W) ||
		!object_within(p->p_vaddr, p->p_memsz,
			page_up(s->address + s->memory))) {
		(void)refusals_add(r->refusals, REFUSAL_SEGMENT,
			"PT_GNU_RELRO is not part of a writable segment");
		return;
	}
	r->o->relro = (struct object_range){p->p_vaddr, p->p_memsz};
}

static bool read_segments(struct object_reader *r, const Elf64_Ehdr *h)
{
	bool good = true;

	for (int i = 0; i < h->e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, r->o->bytes + h->e_phoff + (size_t)i * sizeof(p),
			sizeof(p));
		good &= take_header(r, &p, i);
	}
	if (good && r->o->n_segments == 0) {
		(void)refusals_add(r->refusals, REFUSAL_SEGMENT,
			"there is nothing to load");
		good = false;
	}
	if (good)
		take_relro(r);
	return good;
}

/* Is it the right kind of file at all? */
static bool check_kind(struct object_reader *r, const Elf64_Ehdr *h)
{
	uint64_t before = r->refusals->n_total;

	if (h->e_ident[EI_CLASS] != ELFCLASS64 ||
		h->e_ident[EI_DATA] != ELFDATA2LSB) {
		/* The fields are somewhere else in such a file. */
		(void)refusals_add(r->refusals, REFUSAL_NOT_64,
			"class %u, byte order %u", h->e_ident[EI_CLASS],
			h->e_ident[EI_DATA]);
		return false;
	}
	if (h->e_machine != EM_X86_64)
		(void)refusals_add(r->refusals, REFUSAL_NOT_X86_64,
			"machine %u", h->e_machine);
	if (h->e_type != ET_DYN)
		(void)refusals_add(r->refusals, REFUSAL_NOT_SHARED, "%s",
			h->e_type == ET_REL    ? "an object to be linked"
			: h->e_type == ET_EXEC ? "a program"
			: h->e_type == ET_CORE ? "a core dump"
					       : "an unknown type");
	return r->refusals->n_total == before;
}

static const char *header_nonsense(const struct object *o, const Elf64_Ehdr *h)
{
	if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT)
		return "unknown version of ELF";
	if (h->e_ident[EI_OSABI] != ELFOSABI_NONE &&
		h->e_ident[EI_OSABI] != ELFOSABI_GNU)
		return "made for another system";
	if (h->e_ehsize != sizeof(*h) || h->e_phentsize != sizeof(Elf64_Phdr))
		return "headers of another size";
	if (h->e_phnum == 0 || h->e_phnum > OBJECT_HEADERS_MAX)
		return "no program headers, or too many";
	if (!object_within(h->e_phoff, h->e_phnum * sizeof(Elf64_Phdr), o->len))
		return "program headers beyond the end of the file";
	return NULL;
}

static bool read_header(struct object_reader *r, Elf64_Ehdr *h)
{
	const struct object *o = r->o;
	const char *nonsense;

	if (o->len < sizeof(*h) || memcmp(o->bytes, ELFMAG, SELFMAG)) {
		(void)refusals_add(r->refusals, REFUSAL_NOT_ELF, "%s",
			o->len < sizeof(*h) ? "too short for one" : "");
		return false;
	}
	if (o->len > OBJECT_FILE_MAX) {
		(void)refusals_add(r->refusals, REFUSAL_TOO_LARGE,
			"%zu bytes, at most %d", o->len, OBJECT_FILE_MAX);
		return false;
	}
	memcpy(h, o->bytes, sizeof(*h));
	if (!check_kind(r, h))
		return false;
	nonsense = header_nonsense(o, h);
	if (nonsense)
		(void)refusals_add(r->refusals, REFUSAL_HEADER, "%s", nonsense);
	return !nonsense;
}

bool object_read(struct object *ret, const void *bytes, size_t len,
	const char *const *exports, struct refusals *refusals)
{
	struct object_reader r = {
		.o = ret, .refusals = refusals, .exports = exports};
	Elf64_Ehdr h;

	*ret = (struct object){.bytes = bytes, .len = len};
	if (!read_header(&r, &h) || !read_segments(&r, &h)) {
		/* No half-read table for anybody to walk. */
		*ret = (struct object){.bytes = bytes, .len = len};
		return false;
	}
	object_read_dynamic(&r);
	object_read_symbols(&r);
	object_read_relocs(&r);
	return true;
}
