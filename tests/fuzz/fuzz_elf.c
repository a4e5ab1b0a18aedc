/*
 * Fuzzes admission and loading: reader, layout, scan, relocation, mapping. What
 * comes out is held against what the headers promise: a scan written another
 * way finds the same; an object that is admitted can be loaded by going by the
 * promises alone; and what the loader has mapped is the same, byte for byte,
 * with code that is what the file says and can't be written to.
 */
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "engine/admit.h"
#include "engine/exports.h"
#include "engine/program.h"

enum {
	FUZZ_SPAN_MAX = 1 << 20,
	FUZZ_EXPORTS = 1024,
};

/* Where images are mapped, and what exports are. */
#define BASE ((uint64_t)0x10000000)
#define EXPORT ((const void *)0x7000)

/* Instead of the functions themselves. */
const void *const exports_address[FUZZ_EXPORTS] = {
	[0 ... FUZZ_EXPORTS - 1] = EXPORT};

/* The image is no memory that a sanitizer knows; this takes half the time. */
#define PLAIN __attribute__((no_sanitize("address")))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* May the image's byte be executed? */
static bool is_code(const struct object *o, uint64_t at)
{
	for (unsigned i = 0; i < o->n_segments; i++) {
		const struct object_segment *s = &o->segments[i];
		uint64_t page = at / OBJECT_PAGE;

		if (page >= s->address / OBJECT_PAGE &&
			page <= (s->address + s->memory - 1) / OBJECT_PAGE)
			return s->rights & OBJECT_X;
	}
	return false;
}

/* What begins with table 0F's second byte at p, of n bytes; N_REFUSALS:
 * nothing. */
PLAIN static enum refusal_code table_0f(const uint8_t *p, size_t n)
{
	if (n >= 1 && (p[0] == 0x05 || p[0] == 0x34))
		return REFUSAL_SYSTEM_CALL;
	if (n < 2)
		return N_REFUSALS;
	if (p[0] == 0x01 && p[1] == 0xef)
		return REFUSAL_WRPKRU;
	if (p[0] == 0xae && p[1] < 0xc0 && (p[1] >> 3 & 7) == 5)
		return REFUSAL_XRSTOR;
	if (p[0] == 0xae && p[1] >> 4 == 0xd)
		return REFUSAL_WRITE_BASE;
	return N_REFUSALS;
}

PLAIN static enum refusal_code sequence(const uint8_t *p, size_t n)
{
	if (p[0] == 0x90 || p[0] == 0)
		return N_REFUSALS;
	switch (p[0]) {
	case 0x0f:
		return table_0f(p + 1, n - 1);
	case 0xd5:
		return n >= 2 && p[1] >= 0x80 ? table_0f(p + 2, n - 2)
					      : N_REFUSALS;
	case 0xcd:
		return n >= 2 && p[1] == 0x80 ? REFUSAL_SYSTEM_CALL
					      : N_REFUSALS;
	case 0x53:
		return n >= 4 && !memcmp(p, "\x53\x30\x05\x53", 4)
			       ? REFUSAL_RSEQ
			       : N_REFUSALS;
	default:
		return N_REFUSALS;
	}
}

PLAIN static void check_scan(const struct admit *a)
{
	const uint8_t *image = a->layout.image;
	static uint64_t counts[N_REFUSALS + 1];
	bool next;

	memset(counts, 0, sizeof(counts));

	for (uint64_t page = 0; page < a->layout.span; page += OBJECT_PAGE) {
		if (!is_code(&a->object, page))
			continue;
		next = is_code(&a->object, page + OBJECT_PAGE);
		for (uint64_t at = page; at < page + OBJECT_PAGE; at++) {
			uint64_t n = page + OBJECT_PAGE - at;

			counts[sequence(image + at, next ? n + 4 : n)]++;
		}
	}
	for (int c = REFUSAL_WRPKRU; c < N_REFUSALS; c++)
		CHECK(counts[c] == a->refusals.counts[c]);
}

static void check_list(const struct refusals *r)
{
	uint64_t counts[N_REFUSALS] = {0}, total = 0;

	for (size_t i = 0; i < r->n; i++) {
		counts[r->kept[i].code]++;
		CHECK(strlen(r->kept[i].detail) < REFUSAL_DETAIL_MAX);
		CHECK(strlen(r->kept[i].symbol) < REFUSAL_SYMBOL_MAX);
	}
	for (int c = 0; c < N_REFUSALS; c++) {
		total += r->counts[c];
		CHECK(counts[c] == (r->counts[c] < REFUSALS_EACH
						   ? r->counts[c]
						   : REFUSALS_EACH));
	}
	CHECK(total == r->n_total);
}

static void check_segments(const struct object *o)
{
	uint64_t end = 0;

	CHECK(o->n_segments > 0 && o->span <= OBJECT_SPAN_MAX);
	for (unsigned i = 0; i < o->n_segments; i++) {
		const struct object_segment *s = &o->segments[i];

		CHECK(s->address / OBJECT_PAGE * OBJECT_PAGE >= end);
		CHECK(s->memory > 0 && s->filled <= s->memory);
		CHECK(s->offset + s->filled <= o->len);
		end = (s->address + s->memory + OBJECT_PAGE - 1) / OBJECT_PAGE *
		      OBJECT_PAGE;
	}
	CHECK(end == o->span);
}

/* Everything a symbol says, so that a sanitizer sees it all read. */
static void check_symbols(const struct object *o)
{
	struct object_symbol s;
	size_t longest = 0;

	for (uint32_t i = 1; i < o->n_symbols; i++) {
		if (!object_symbol(o, i, &s))
			continue;
		if (strlen(s.name) > longest)
			longest = strlen(s.name);
		if (i < 64 && !s.hidden && !object_undefined(&s))
			CHECK(object_find(o, s.name, &s));
	}
	CHECK(longest < OBJECT_NAME_MAX);
	(void)object_nearest(o, o->span / 2, &s);
	CHECK(!object_symbol(o, o->n_symbols, &s));
}

/* One relocation as a loader at BASE would do it. */
static void relocate(
	const struct object *o, uint8_t *image, const struct object_reloc *r)
{
	struct object_symbol s = {0};
	uint64_t value = 0;

	if (r->type == R_X86_64_NONE)
		return;
	if (r->symbol) {
		CHECK(object_symbol(o, r->symbol, &s));
		if (!object_undefined(&s))
			value = s.address + (s.section == SHN_ABS ? 0 : BASE);
		else if (exports_have(exports_native, s.name))
			value = (uint64_t)EXPORT;
		else
			CHECK(s.bind == STB_WEAK);
	}
	if (r->type == R_X86_64_RELATIVE)
		value = BASE;
	else
		CHECK(r->type == R_X86_64_64 || r->type == R_X86_64_GLOB_DAT ||
			r->type == R_X86_64_JUMP_SLOT);
	if (r->type == R_X86_64_RELATIVE || r->type == R_X86_64_64)
		value += (uint64_t)r->addend;
	CHECK(r->target <= o->span && o->span - r->target >= sizeof(value));
	memcpy(image + r->target, &value, sizeof(value));
}

static void check_code(const struct admit *a, const uint8_t *image)
{
	for (unsigned i = 0; i < a->object.n_segments; i++) {
		const struct object_segment *s = &a->object.segments[i];

		if (!(s->rights & OBJECT_X))
			continue;
		CHECK(!(s->rights & OBJECT_W) && s->filled == s->memory);
		CHECK(!memcmp(image + s->address, a->object.bytes + s->offset,
			s->filled));
	}
}

/* Going by the promises alone. */
static uint8_t *load(const struct admit *a)
{
	const struct object *o = &a->object;
	uint8_t *image = malloc(o->span);
	struct object_reloc r;

	CHECK(image);
	memcpy(image, a->layout.image, o->span);
	for (unsigned table = 0; table < 2; table++)
		for (size_t i = 0; i < object_n_relocs(o, table); i++) {
			CHECK(object_reloc(o, table, i, &r));
			relocate(o, image, &r);
		}
	check_code(a, image);
	return image;
}

/* Pages that are code, and no others, are in parts that say so. */
static void check_parts(const struct program *p)
{
	uint64_t done = 0, code = 0, pages = 0;

	for (unsigned i = 0; i < p->n_parts; i++) {
		const struct domain_part *part = &p->parts[i];

		CHECK(part->at >= done && part->pages > 0);
		done = part->at + part->pages;
		CHECK(done <= p->span / OBJECT_PAGE);
		for (uint64_t page = part->at; page < done; page++)
			CHECK(is_code(&p->object, page * OBJECT_PAGE) ==
				part->code);
		code += part->code ? part->pages : 0;
	}
	for (uint64_t at = 0; at < p->span; at += OBJECT_PAGE)
		pages += is_code(&p->object, at);
	CHECK(pages == code);
	CHECK(p->filled <= p->span);
}

/* As the keeper does, in memory that was a slot's. */
PLAIN static void check_mapped(const struct program *p, const uint8_t *image)
{
	char *at = mmap((void *)BASE, p->span, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			MAP_FIXED_NOREPLACE,
		-1, 0);

	CHECK((uint64_t)at == BASE);
	CHECK(program_map(p, at) == 0);
	for (uint64_t i = 0; i < p->span; i++)
		CHECK((uint8_t)at[i] == image[i]);
	CHECK(munmap(at, p->span) == 0);
}

static void check_program(struct admit *a)
{
	const struct object *o = &a->object;
	struct program *p;
	uint8_t *image;
	char text[128];
	int r;

	CHECK(a->entry > 0 && is_code(o, a->entry));
	CHECK(!o->init || is_code(o, o->init));
	CHECK(o->init_array.at + o->init_array.size <= o->span);
	if (o->span > FUZZ_SPAN_MAX)
		return;
	image = load(a);
	r = program_new(a, &p);
	CHECK(r == 0 || r == PROGRAM_E_SPLIT);
	if (r == 0) {
		check_parts(p);
		check_mapped(p, image);
		(void)program_name(p, p->entry, text, sizeof(text));
		(void)program_free(p);
	}
	free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct admit_wish wish = {.entry = "handler"};
	struct admit *a;

	CHECK(admit_new(data, size, &wish, &a) == 0);
	check_list(&a->refusals);
	CHECK(a->scanned || !admit_ok(a));
	if (a->scanned) {
		check_segments(&a->object);
		check_scan(a);
		check_symbols(&a->object);
	}
	if (admit_ok(a))
		check_program(a);
	(void)admit_free(a);
	return 0;
}
