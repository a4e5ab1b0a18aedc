/*
 * Program: see program.h. Trusted side; the object was admitted, so that what
 * object.h promises of one holds. Every place that is written to is checked
 * once more all the same.
 */
#include "engine/program.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "engine/exports.h"
#include "engine/inside.h"
#include "util/escape.h"

_Static_assert((int)OBJECT_PAGE == (int)DOMAIN_PAGE, "one size of page");

static uint64_t page_of(uint64_t at)
{
	return at / OBJECT_PAGE;
}

static uint64_t page_after(uint64_t at)
{
	return (at + OBJECT_PAGE - 1) / OBJECT_PAGE;
}

/* The page with the byte before `end` comes from the file. */
static void fill_to(struct program *p, uint64_t end)
{
	uint64_t filled = page_after(end) * OBJECT_PAGE;

	if (filled > p->filled)
		p->filled = filled;
}

/* Parts. --------------------------------------------------------------------*/

/* Ascending; one that touches the last and has its rights is made one with
 * it. */
static int part_add(
	struct program *p, uint64_t from_page, uint64_t to_page, bool code)
{
	struct domain_part *last =
		p->n_parts ? &p->parts[p->n_parts - 1] : NULL;

	if (to_page <= from_page)
		return 0;
	if (last && last->code == code && last->at + last->pages == from_page) {
		last->pages += (uint32_t)(to_page - from_page);
		return 0;
	}
	if (p->n_parts == DOMAIN_PARTS_MAX)
		return PROGRAM_E_SPLIT;
	p->parts[p->n_parts++] = (struct domain_part){
		.at = (uint32_t)from_page,
		.pages = (uint32_t)(to_page - from_page),
		.code = code,
	};
	return 0;
}

/* Whole pages, as every loader takes it: the rest stays writable. */
static int part_add_relro(struct program *p, const struct object *o,
	const struct object_segment *s)
{
	uint64_t from = o->relro.at, to = o->relro.at + o->relro.size;

	if (o->relro.size == 0 || from < s->address ||
		to > s->address + s->memory)
		return 0;
	return part_add(p, page_of(from), page_of(to), false);
}

static int parts_read(struct program *p, const struct object *o)
{
	int r = 0;

	for (unsigned i = 0; i < o->n_segments && r == 0; i++) {
		const struct object_segment *s = &o->segments[i];
		uint64_t filled = s->address + s->filled;

		if (s->rights & OBJECT_W)
			r = part_add_relro(p, o, s);
		else
			r = part_add(p, page_of(s->address),
				page_after(s->address + s->memory),
				s->rights & OBJECT_X);
		/* A read-only page has to come from the file to have its rights
		 * from the start, even if it holds zeros. */
		if (!(s->rights & OBJECT_W))
			filled = s->address + s->memory;
		fill_to(p, filled);
	}
	return r;
}

/* Relocations. --------------------------------------------------------------*/

static struct program_fix fix_symbol(const struct object *o, uint32_t i)
{
	struct object_symbol s;
	int known;

	if (i == 0 || !object_symbol(o, i, &s))
		return (struct program_fix){0};
	if (!object_undefined(&s))
		return (struct program_fix){
			.own = s.section != SHN_ABS,
			.value = s.address,
		};
	known = exports_find(exports_native, s.name);
	/* Admitted all the same, so it is weak. */
	if (known < 0)
		return (struct program_fix){0};
	return (struct program_fix){.value = (uint64_t)exports_address[known]};
}

static struct program_fix fix_of(
	const struct object *o, const struct object_reloc *rel)
{
	struct program_fix fix = {.own = true};

	if (rel->type != R_X86_64_RELATIVE)
		fix = fix_symbol(o, rel->symbol);
	if (rel->type == R_X86_64_RELATIVE || rel->type == R_X86_64_64)
		fix.value += (uint64_t)rel->addend;
	fix.at = (uint32_t)rel->target;
	return fix;
}

static int fixes_read(struct program *p, const struct object *o)
{
	size_t n = object_n_relocs(o, 0) + object_n_relocs(o, 1);
	struct object_reloc rel;

	if (n == 0)
		return 0;
	p->fixes = calloc(n, sizeof(*p->fixes));
	if (!p->fixes)
		return -ENOMEM;
	for (unsigned table = 0; table < 2; table++)
		for (size_t i = 0; i < object_n_relocs(o, table); i++) {
			if (!object_reloc(o, table, i, &rel) ||
				rel.type == R_X86_64_NONE)
				continue;
			p->fixes[p->n_fixes++] = fix_of(o, &rel);
			/* Written to while it is trusted memory: never zeros of
			 * the isolate's own. */
			fill_to(p, rel.target + sizeof(uint64_t));
		}
	return 0;
}

/* Making and ending. --------------------------------------------------------*/

static int program_read(struct program *p, const struct admit *a)
{
	int r;

	p->object = a->object;
	p->bytes = malloc(a->object.len);
	if (!p->bytes)
		return -ENOMEM;
	memcpy(p->bytes, a->object.bytes, a->object.len);
	p->object.bytes = p->bytes;
	p->object.soname = NULL;
	p->n_code = a->n_code;
	p->n_system_calls = a->n_system_calls;
	p->entry = a->entry;
	p->span = a->layout.span;
	r = parts_read(p, &p->object);
	return r == 0 ? fixes_read(p, &p->object) : r;
}

int program_new(struct admit *a, struct program **ret_program)
{
	struct program *p = calloc(1, sizeof(*p));
	int r;

	CHECK(admit_ok(a));
	if (!p)
		return -ENOMEM;
	p->fd = layout_take_file(&a->layout);
	r = program_read(p, a);
	if (r != 0) {
		(void)program_free(p);
		return r;
	}
	*ret_program = p;
	return 0;
}

struct program *program_free(struct program *p)
{
	if (!p)
		return NULL;
	(void)close(p->fd);
	free(p->fixes);
	free(p->bytes);
	free(p);
	return NULL;
}

/* In place. -----------------------------------------------------------------*/

static bool map(
	const struct program *p, char *at, size_t from, size_t len, int prot)
{
	return mmap(at + from, len, prot, MAP_PRIVATE | MAP_FIXED, p->fd,
		       (off_t)from) == (void *)(at + from);
}

/* What isolates may write, or the runtime has to, is mapped so first: code is
 * at no time. */
static int map_pieces(const struct program *p, char *at)
{
	if (!map(p, at, 0, p->filled, PROT_READ | PROT_WRITE))
		return err_errno();
	for (unsigned i = 0; i < p->n_parts; i++) {
		const struct domain_part *part = &p->parts[i];

		if (part->code && !map(p, at, (size_t)part->at * OBJECT_PAGE,
					  (size_t)part->pages * OBJECT_PAGE,
					  PROT_READ | PROT_EXEC))
			return err_errno();
	}
	return 0;
}

static void fix_all(const struct program *p, char *at)
{
	for (size_t i = 0; i < p->n_fixes; i++) {
		const struct program_fix *f = &p->fixes[i];
		uint64_t value = f->value + (f->own ? (uint64_t)at : 0);

		CHECK(f->at <= p->filled - sizeof(value));
		memcpy(at + f->at, &value, sizeof(value));
	}
}

static int shut_parts(const struct program *p, char *at)
{
	for (unsigned i = 0; i < p->n_parts; i++) {
		const struct domain_part *part = &p->parts[i];

		if (!part->code &&
			mprotect(at + (size_t)part->at * OBJECT_PAGE,
				(size_t)part->pages * OBJECT_PAGE, PROT_READ))
			return err_errno();
	}
	return 0;
}

int program_map(const struct program *p, char *at)
{
	int r = map_pieces(p, at);

	if (r < 0)
		return r;
	fix_all(p, at);
	return shut_parts(p, at);
}

/* One for each place where rights or what is mapped may change: the beginning,
 * the end of the file's bytes, both ends of each part. */
unsigned program_maps(const struct program *p)
{
	uint64_t filled = p->filled / OBJECT_PAGE, last = 0;
	unsigned n = 1;

	for (unsigned i = 0; i < p->n_parts; i++) {
		uint64_t at = p->parts[i].at, end = at + p->parts[i].pages;

		n += at != last;
		n += end != at;
		if (filled > last && filled < at)
			n++;
		last = end;
	}
	return n + (filled > last);
}

void program_describe(const struct program *p, uint64_t at, struct inside *in)
{
	const struct object *o = &p->object;

	in->code = at;
	in->code_len = p->span;
	in->handler = at + p->entry;
	in->init = o->init ? at + o->init : 0;
	in->inits = o->init_array.size ? at + o->init_array.at : 0;
	in->n_inits = o->init_array.size / sizeof(uint64_t);
}

bool program_name(const struct program *p, uint64_t at, char *text, size_t size)
{
	char name[PROGRAM_NAME_MAX + 4];
	struct object_symbol s;

	if (!object_nearest(&p->object, at, &s))
		return false;
	/* It goes into logs and onto terminals, and it is the author's. */
	(void)snprintf(text, size, "%s+0x%" PRIx64,
		escape_plain(s.name, name, sizeof(name)), at - s.address);
	return true;
}
