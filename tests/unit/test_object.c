/*
 * The reader of shared objects: a good one, and for every refusal the objects
 * that are refused for it and for nothing else, each one field away from the
 * good one.
 */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engine/exports.h"
#include "engine/object.h"
#include "good_object.h"

static struct good good;
static struct refusals refusals;
static struct object object;

/* From memory that ends where the object does: a sanitizer sees one byte more
 * being read. */
static bool read_bytes(const void *p, size_t len)
{
	static void *mine;
	bool r;

	free(mine);
	mine = malloc(len ? len : 1);
	cr_assert_not_null(mine);
	memcpy(mine, p, len);
	refusals_init(&refusals);
	r = object_read(&object, mine, len, exports_native, &refusals);
	if (!r)
		cr_assert_gt(refusals.n_total, 0);
	return r;
}

static bool read_good(void)
{
	return read_bytes(&good, sizeof(good));
}

/* Refused for `code`, however often, and for nothing else. */
static void expect_only(enum refusal_code code, const char *what)
{
	cr_expect_gt(refusals.counts[code], 0, "%s: no %s", what,
		refusal_name(code));
	for (int c = 0; c < N_REFUSALS; c++)
		if (c != (int)code)
			cr_expect_eq(refusals.counts[c], 0, "%s: %s too", what,
				refusal_name(c));
}

static void start(void)
{
	good_make(&good);
}

TestSuite(object, .init = start, .timeout = 60);

Test(object, a_good_one_is_read)
{
	struct object_symbol s;
	struct object_reloc r;

	cr_assert(read_good());
	for (size_t i = 0; i < refusals.n; i++)
		cr_log_error("%s: %s", refusal_name(refusals.kept[i].code),
			refusals.kept[i].detail);
	cr_assert_eq(refusals.n_total, 0);
	cr_assert_eq(object.n_segments, 4);
	cr_assert_eq(object.span, 6 * GOOD_PAGE);
	cr_assert_eq(object.n_symbols, GOOD_SYMBOLS);
	cr_assert_str_eq(object.soname, "good.so");
	cr_assert_eq(object.init, GOOD_PAGE);
	cr_assert_eq(object_n_inits(&object), 2);
	cr_assert_eq(object.relro.at, 3 * GOOD_PAGE);
	cr_assert_eq(object_n_relocs(&object, 0), GOOD_RELAS);
	cr_assert_eq(object_n_relocs(&object, 1), 1);
	cr_assert(object_reloc(&object, 1, 0, &r));
	cr_assert_eq(r.type, R_X86_64_JUMP_SLOT);
	cr_assert_eq(r.target, offsetof(struct good, got[2]));
	cr_assert(object_symbol(&object, r.symbol, &s));
	cr_assert_str_eq(s.name, "gv_log");
	cr_assert(object_undefined(&s));
	cr_assert(!object_reloc(&object, 1, 1, &r));
	cr_assert(!object_symbol(&object, GOOD_SYMBOLS, &s));
}

Test(object, symbols_by_name_and_by_place)
{
	struct object_symbol s;

	cr_assert(read_good());
	cr_assert(object_find(&object, "handler", &s));
	cr_assert_eq(s.address, GOOD_PAGE + GOOD_ENTRY);
	cr_assert(!object_find(&object, "gv_log", &s), "it is not its own");
	cr_assert(!object_find(&object, "handle", &s));
	cr_assert(!object_find(&object, "", &s));
	cr_assert(object_nearest(&object, 2 * GOOD_PAGE - 1, &s));
	cr_assert_str_eq(s.name, "handler");
	cr_assert(object_nearest(&object, 2 * GOOD_PAGE, &s));
	cr_assert_str_eq(s.name, "helper");
	cr_assert(!object_nearest(&object, GOOD_PAGE, &s), "before the first");
	cr_assert(!object_nearest(&object, 5 * GOOD_PAGE, &s), "data");
	cr_assert(!object_nearest(&object, 100 * GOOD_PAGE, &s));
}

/* The good one with what a linker leaves behind: a table of local symbols. */
static struct {
	struct good good;
	Elf64_Shdr sections[3];
	Elf64_Sym sym[3];
	char str[16];
} unstripped;

static bool read_unstripped(void)
{
	return read_bytes(&unstripped, sizeof(unstripped));
}

static void make_unstripped(void)
{
	const size_t at = offsetof(__typeof__(unstripped), sections);

	unstripped.good = good;
	unstripped.good.ehdr.e_shoff = at;
	unstripped.good.ehdr.e_shnum = 3;
	unstripped.good.ehdr.e_shentsize = sizeof(Elf64_Shdr);
	unstripped.sections[1] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
		.sh_offset = offsetof(__typeof__(unstripped), sym),
		.sh_size = sizeof(unstripped.sym),
		.sh_link = 2,
		.sh_entsize = sizeof(Elf64_Sym)};
	unstripped.sections[2] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(__typeof__(unstripped), str),
		.sh_size = sizeof(unstripped.str)};
	unstripped.sym[1] = (Elf64_Sym){
		1, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0, 1, GOOD_PAGE + 64, 0};
	unstripped.sym[2] = (Elf64_Sym){
		7, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0, 1, GOOD_PAGE + 4, 0};
	memcpy(unstripped.str, "\0local\0x\0", 10);
}

static const char *nearest(uint64_t at)
{
	struct object_symbol s;

	return object_nearest(&object, at, &s) ? s.name : "-";
}

Test(object, local_functions_are_named)
{
	make_unstripped();
	cr_assert(read_unstripped());
	cr_assert_eq(refusals.n_total, 0);
	cr_assert_str_eq(nearest(GOOD_PAGE + 3), "-");
	cr_assert_str_eq(nearest(GOOD_PAGE + 4), "x");
	cr_assert_str_eq(nearest(GOOD_PAGE + GOOD_ENTRY), "handler");
	cr_assert_str_eq(nearest(GOOD_PAGE + 63), "handler");
	cr_assert_str_eq(nearest(GOOD_PAGE + 64), "local");
}

/* They are for people: nothing is refused for them, and nothing read that is
 * not there. */
Test(object, spoiled_sections_do_no_harm)
{
	static const uint64_t odd[] = {0, 1, 3, 23, 0x7fff, 0xffff, 0xffffff,
		UINT32_MAX, 1ULL << 63, UINT64_MAX, UINT64_MAX - 23};
	uint8_t *p = (uint8_t *)unstripped.sections;
	const size_t end = sizeof(unstripped.sections) + sizeof(unstripped.sym);

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		for (size_t at = 0; at + 8 <= end; at += 4) {
			make_unstripped();
			memcpy(p + at, &odd[i], 8);
			cr_assert(read_unstripped());
			cr_assert_eq(refusals.n_total, 0);
			(void)nearest(GOOD_PAGE + 100);
		}
		make_unstripped();
		unstripped.good.ehdr.e_shoff = odd[i];
		cr_assert(read_unstripped());
		cr_assert_str_eq(nearest(GOOD_PAGE + 100), "handler");
		make_unstripped();
		unstripped.good.ehdr.e_shnum = (uint16_t)odd[i];
		cr_assert(read_unstripped());
		(void)nearest(GOOD_PAGE + 100);
	}
}

Test(object, hidden_symbols_are_not_found)
{
	struct object_symbol s;

	good.sym[GOOD_HANDLER].st_other = STV_HIDDEN;
	cr_assert(read_good());
	cr_assert(!object_find(&object, "handler", &s));
	good.sym[GOOD_HANDLER].st_other = STV_PROTECTED;
	cr_assert(read_good());
	cr_assert(object_find(&object, "handler", &s));
	good.sym[GOOD_HANDLER].st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
	cr_assert(read_good());
	cr_assert(!object_find(&object, "handler", &s));
}

Test(object, bytes_by_address)
{
	const uint64_t end = sizeof(good), data = 3 * GOOD_PAGE;

	cr_assert(read_good());
	cr_assert_eq(*object_at(&object, GOOD_PAGE, 1), 0x90);
	cr_assert_not_null(object_at(&object, end - 8, 8));
	cr_assert_null(object_at(&object, end - 8, 9), "zeros have no bytes");
	cr_assert_null(
		object_at(&object, GOOD_PAGE, GOOD_PAGE + 1), "two segments");
	cr_assert_null(object_at(&object, GOOD_PAGE, UINT64_MAX));
	cr_assert_null(object_at(&object, UINT64_MAX, 2));
	cr_assert_not_null(object_segment(&object, end, GOOD_BSS));
	cr_assert_null(object_segment(&object, end, GOOD_BSS + 1));
	cr_assert_null(object_segment(&object, end + GOOD_BSS, 0));
	cr_assert_eq(object_offset(&object, data), data);
	cr_assert_eq(object_offset(&object, end), REFUSAL_NOWHERE);
	cr_assert_eq(object_offset(&object, UINT64_MAX), REFUSAL_NOWHERE);
}

/* One field that gets another value, and what is then refused. */
struct spoil {
	const char *what;
	size_t at;
	size_t size;
	uint64_t value;
	enum refusal_code code;
};

#define F(field) offsetof(struct good, field), sizeof(((struct good *)0)->field)
#define PH(i, field) F(phdr[GOOD_##i].field)
#define SYM(i, field) F(sym[GOOD_##i].field)
#define DYN(i) F(dyn[GOOD_D_##i].d_un.d_val)
#define TAG(i) F(dyn[GOOD_D_##i].d_tag)
#define TYPE(symbol, type) ELF64_R_INFO(symbol, R_X86_64_##type)

static const struct spoil spoils[] = {
	{"magic", F(ehdr.e_ident[1]), 'e', REFUSAL_NOT_ELF},
	{"32 bits", F(ehdr.e_ident[EI_CLASS]), ELFCLASS32, REFUSAL_NOT_64},
	{"big end", F(ehdr.e_ident[EI_DATA]), ELFDATA2MSB, REFUSAL_NOT_64},
	{"arm", F(ehdr.e_machine), EM_AARCH64, REFUSAL_NOT_X86_64},
	{"x86", F(ehdr.e_machine), EM_386, REFUSAL_NOT_X86_64},
	{"program", F(ehdr.e_type), ET_EXEC, REFUSAL_NOT_SHARED},
	{".o", F(ehdr.e_type), ET_REL, REFUSAL_NOT_SHARED},
	{"core", F(ehdr.e_type), ET_CORE, REFUSAL_NOT_SHARED},
	{"type", F(ehdr.e_type), 77, REFUSAL_NOT_SHARED},

	{"ident version", F(ehdr.e_ident[EI_VERSION]), 0, REFUSAL_HEADER},
	{"version", F(ehdr.e_version), 2, REFUSAL_HEADER},
	{"system", F(ehdr.e_ident[EI_OSABI]), ELFOSABI_FREEBSD, REFUSAL_HEADER},
	{"header size", F(ehdr.e_ehsize), 52, REFUSAL_HEADER},
	{"entry size", F(ehdr.e_phentsize), 32, REFUSAL_HEADER},
	{"no headers", F(ehdr.e_phnum), 0, REFUSAL_HEADER},
	{"many headers", F(ehdr.e_phnum), OBJECT_HEADERS_MAX + 1,
		REFUSAL_HEADER},
	{"extended number", F(ehdr.e_phnum), PN_XNUM, REFUSAL_HEADER},
	{"headers at end", F(ehdr.e_phoff), sizeof(good) - 8, REFUSAL_HEADER},
	{"headers nowhere", F(ehdr.e_phoff), UINT64_MAX - 7, REFUSAL_HEADER},

	{"more bytes than memory", PH(TEXT, p_memsz), 1, REFUSAL_SEGMENT},
	{"more tables than memory", PH(TABLES, p_memsz), 64, REFUSAL_SEGMENT},
	{"offset", PH(TEXT, p_offset), GOOD_PAGE * 64, REFUSAL_SEGMENT},
	{"offset wraps", PH(TEXT, p_offset), (uint64_t)-GOOD_PAGE,
		REFUSAL_SEGMENT},
	{"not congruent", PH(TEXT, p_offset), GOOD_PAGE - 1, REFUSAL_SEGMENT},
	{"alignment", PH(TEXT, p_align), 4097, REFUSAL_SEGMENT},
	{"flags", PH(TEXT, p_flags), PF_R | PF_X | 8, REFUSAL_SEGMENT},
	{"type 99", PH(SPARE_HEADER, p_type), 99, REFUSAL_SEGMENT},
	{"two dynamic", PH(SPARE_HEADER, p_type), PT_DYNAMIC, REFUSAL_SEGMENT},
	{"two relro", PH(SPARE_HEADER, p_type), PT_GNU_RELRO, REFUSAL_SEGMENT},
	{"relro of code", PH(RELRO, p_vaddr), GOOD_PAGE, REFUSAL_SEGMENT},
	{"relro nowhere", PH(RELRO, p_vaddr), UINT64_MAX, REFUSAL_SEGMENT},
	{"relro too long", PH(RELRO, p_memsz), 1 << 20, REFUSAL_SEGMENT},
	{"relro endless", PH(RELRO, p_memsz), UINT64_MAX, REFUSAL_SEGMENT},
	{"code of zeros", PH(TEXT2, p_filesz), GOOD_PAGE - 1, REFUSAL_SEGMENT},
	{"image", PH(DATA, p_memsz), OBJECT_SPAN_MAX, REFUSAL_TOO_LARGE},
	{"image wraps", PH(DATA, p_memsz), UINT64_MAX, REFUSAL_TOO_LARGE},
	{"far", PH(DATA, p_vaddr), 3 * GOOD_PAGE + OBJECT_SPAN_MAX,
		REFUSAL_TOO_LARGE},
	{"far wraps", PH(DATA, p_vaddr), (uint64_t)-GOOD_PAGE,
		REFUSAL_TOO_LARGE},
	{"overlap", PH(TABLES, p_memsz), GOOD_PAGE + 1, REFUSAL_OVERLAP},
	{"same page", PH(DATA, p_vaddr), 2 * GOOD_PAGE, REFUSAL_OVERLAP},
	{"not ascending", PH(TEXT2, p_vaddr), 0, REFUSAL_OVERLAP},
	{"writable code", PH(TEXT, p_flags), PF_R | PF_W | PF_X,
		REFUSAL_WRITABLE_CODE},
	{"stack", PH(STACK, p_flags), PF_R | PF_W | PF_X,
		REFUSAL_EXECUTABLE_STACK},
	{"interpreter", PH(SPARE_HEADER, p_type), PT_INTERP,
		REFUSAL_INTERPRETER},
	{"tls segment", PH(SPARE_HEADER, p_type), PT_TLS, REFUSAL_TLS},

	{"no dynamic", PH(DYNAMIC, p_type), PT_NULL, REFUSAL_DYNAMIC},
	{"dynamic elsewhere", PH(DYNAMIC, p_offset), 8, REFUSAL_DYNAMIC},
	{"dynamic nowhere", PH(DYNAMIC, p_vaddr), UINT64_MAX - 7,
		REFUSAL_DYNAMIC},
	{"dynamic too long", PH(DYNAMIC, p_filesz), 2 * GOOD_PAGE,
		REFUSAL_DYNAMIC},
	{"dynamic without end", PH(DYNAMIC, p_filesz),
		GOOD_D_SPARE * sizeof(Elf64_Dyn), REFUSAL_DYNAMIC},
	{"dynamic empty", PH(DYNAMIC, p_filesz), 0, REFUSAL_DYNAMIC},
	{"twice", TAG(SPARE), DT_STRSZ, REFUSAL_DYNAMIC},
	{"no symbols", TAG(SYMTAB), DT_DEBUG, REFUSAL_DYNAMIC},
	{"no strings", TAG(STRTAB), DT_DEBUG, REFUSAL_DYNAMIC},
	{"strings without size", TAG(STRSZ), DT_DEBUG, REFUSAL_DYNAMIC},
	{"symbol size", DYN(SYMENT), 16, REFUSAL_DYNAMIC},
	{"symbols nowhere", DYN(SYMTAB), UINT64_MAX - 3, REFUSAL_DYNAMIC},
	{"symbols of zeros", DYN(SYMTAB), sizeof(good), REFUSAL_DYNAMIC},
	{"strings too long", DYN(STRSZ), 1 << 20, REFUSAL_DYNAMIC},
	{"strings endless", DYN(STRSZ), UINT64_MAX, REFUSAL_DYNAMIC},
	{"strings without end", DYN(STRSZ), 3, REFUSAL_DYNAMIC},
	{"strings nowhere", DYN(STRTAB), UINT64_MAX, REFUSAL_DYNAMIC},
	{"relocation size", DYN(RELAENT), 16, REFUSAL_DYNAMIC},
	{"REL in PLT", DYN(PLTREL), DT_REL, REFUSAL_DYNAMIC},
	{"half a relocation", DYN(RELASZ), 25, REFUSAL_DYNAMIC},
	{"relocations endless", DYN(RELASZ), (uint64_t)-24, REFUSAL_DYNAMIC},
	{"relocations nowhere", DYN(RELA), 1ULL << 63, REFUSAL_DYNAMIC},
	{"relocations of zeros", DYN(RELA), sizeof(good), REFUSAL_DYNAMIC},
	{"PLT without size", TAG(PLTRELSZ), DT_DEBUG, REFUSAL_DYNAMIC},
	{"PLT without address", TAG(JMPREL), DT_DEBUG, REFUSAL_DYNAMIC},
	{"name of the object", DYN(SONAME), 1 << 20, REFUSAL_DYNAMIC},

	{"unknown tag", TAG(SPARE), 0x12345, REFUSAL_DYNAMIC_TAG},
	{"negative tag", TAG(SPARE), UINT64_MAX, REFUSAL_DYNAMIC_TAG},
	{"unknown flag", DYN(FLAGS), 1 << 20, REFUSAL_DYNAMIC_TAG},
	{"needed", TAG(SPARE), DT_NEEDED, REFUSAL_NEEDED},
	{"rpath", TAG(SPARE), DT_RPATH, REFUSAL_SEARCH_PATH},
	{"runpath", TAG(SPARE), DT_RUNPATH, REFUSAL_SEARCH_PATH},
	{"audit", TAG(SPARE), DT_AUDIT, REFUSAL_AUDIT},
	{"depaudit", TAG(SPARE), DT_DEPAUDIT, REFUSAL_AUDIT},
	{"filter", TAG(SPARE), DT_FILTER, REFUSAL_FILTER},
	{"auxiliary", TAG(SPARE), DT_AUXILIARY, REFUSAL_FILTER},
	{"verneed", TAG(SPARE), DT_VERNEED, REFUSAL_VERSIONS},
	{"textrel", TAG(SPARE), DT_TEXTREL, REFUSAL_TEXT_RELOCATIONS},
	{"df textrel", DYN(FLAGS), DF_TEXTREL, REFUSAL_TEXT_RELOCATIONS},
	{"tlsdesc", TAG(SPARE), DT_TLSDESC_PLT, REFUSAL_TLS},
	{"static tls", DYN(FLAGS), DF_STATIC_TLS, REFUSAL_TLS},
	{"rel", TAG(SPARE), DT_REL, REFUSAL_RELOCATION_TYPE},
	{"relr", TAG(SPARE), 36, REFUSAL_RELOCATION_TYPE},

	{"tls symbol", SYM(TABLE, st_info), ELF64_ST_INFO(STB_GLOBAL, STT_TLS),
		REFUSAL_TLS},
	{"ifunc", SYM(HELPER, st_info),
		ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC), REFUSAL_IFUNC},
	{"type 13", SYM(HELPER, st_info), ELF64_ST_INFO(STB_GLOBAL, 13),
		REFUSAL_SYMBOL},
	{"symbol's name", SYM(HELPER, st_name), sizeof(good.str),
		REFUSAL_SYMBOL},
	{"symbol's name far", SYM(HELPER, st_name), UINT32_MAX, REFUSAL_SYMBOL},
	{"symbol's section", SYM(HELPER, st_shndx), SHN_COMMON, REFUSAL_SYMBOL},
	{"symbol's place", SYM(HELPER, st_value), 6 * GOOD_PAGE + 1,
		REFUSAL_SYMBOL},
	{"hash too long", F(gnu_hash.n_buckets), UINT32_MAX, REFUSAL_SYMBOL},
	{"filter too long", F(gnu_hash.n_words), 60000, REFUSAL_SYMBOL},
	{"bucket", F(gnu_hash.bucket[0]), 1, REFUSAL_SYMBOL},
	{"hash nowhere", DYN(GNU_HASH), UINT64_MAX - 8, REFUSAL_SYMBOL},
	{"undefined", SYM(WEAK, st_info), ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE),
		REFUSAL_UNDEFINED},
	{"undefined function", SYM(LOG, st_name), 9, REFUSAL_UNDEFINED},

	{"symbol of relocation", F(rela[GOOD_R_64].r_info), TYPE(1 << 20, 64),
		REFUSAL_RELOCATION},
	{"symbol behind the table", F(rela[GOOD_R_64].r_info), TYPE(200, 64),
		REFUSAL_RELOCATION},
	{"highest symbol", F(rela[GOOD_R_64].r_info), TYPE(0xffffffffULL, 64),
		REFUSAL_RELOCATION},
	{"symbol of relative", F(rela[GOOD_R_RELATIVE].r_info),
		TYPE(GOOD_TABLE, RELATIVE), REFUSAL_RELOCATION},
	{"copy", F(rela[0].r_info), TYPE(0, COPY), REFUSAL_RELOCATION_TYPE},
	{"pc32", F(rela[0].r_info), TYPE(0, PC32), REFUSAL_RELOCATION_TYPE},
	{"32", F(rela[0].r_info), TYPE(0, 32), REFUSAL_RELOCATION_TYPE},
	{"size64", F(rela[0].r_info), TYPE(0, SIZE64), REFUSAL_RELOCATION_TYPE},
	{"type 200", F(rela[0].r_info), 200, REFUSAL_RELOCATION_TYPE},
	{"irelative", F(rela[0].r_info), TYPE(0, IRELATIVE), REFUSAL_IFUNC},
	{"tpoff", F(rela[0].r_info), TYPE(0, TPOFF64), REFUSAL_TLS},
	{"dtpmod", F(rela[0].r_info), TYPE(0, DTPMOD64), REFUSAL_TLS},
	{"dtpoff", F(rela[0].r_info), TYPE(0, DTPOFF64), REFUSAL_TLS},
	{"tlsdesc", F(jmprel[0].r_info), TYPE(0, TLSDESC), REFUSAL_TLS},
	{"into code", F(rela[0].r_offset), GOOD_PAGE, REFUSAL_RELOCATION_CODE},
	{"end of code", F(rela[0].r_offset), 3 * GOOD_PAGE - 8,
		REFUSAL_RELOCATION_CODE},
	{"half in code", F(rela[0].r_offset), 3 * GOOD_PAGE - 7,
		REFUSAL_RELOCATION_TARGET},
	{"into tables", F(rela[0].r_offset), 64, REFUSAL_RELOCATION_TARGET},
	{"target nowhere", F(rela[0].r_offset), UINT64_MAX - 3,
		REFUSAL_RELOCATION_TARGET},
	{"target at end", F(rela[0].r_offset), sizeof(good) + GOOD_BSS - 7,
		REFUSAL_RELOCATION_TARGET},

	{"init nowhere", DYN(INIT), UINT64_MAX, REFUSAL_INIT},
	{"init of data", DYN(INIT), 3 * GOOD_PAGE, REFUSAL_INIT},
	{"array nowhere", DYN(INIT_ARRAY), 1ULL << 40, REFUSAL_INIT},
	{"array not whole", DYN(INIT_ARRAYSZ), 7, REFUSAL_INIT},
	{"array too long", DYN(INIT_ARRAYSZ), 8 * (OBJECT_INITS_MAX + 1),
		REFUSAL_INIT},
	{"array endless", DYN(INIT_ARRAYSZ), (uint64_t)-8, REFUSAL_INIT},
	{"preinit", TAG(SPARE), DT_PREINIT_ARRAY, REFUSAL_INIT},
};

#define N_SPOILS (sizeof(spoils) / sizeof(spoils[0]))

/* Little-endian, as the fields are. */
static void apply(const struct spoil *s)
{
	good_make(&good);
	memcpy((char *)&good + s->at, &s->value, s->size);
}

Test(object, each_field_is_refused_for_what_it_is)
{
	for (size_t i = 0; i < N_SPOILS; i++) {
		apply(&spoils[i]);
		(void)read_good();
		if (spoils[i].code != N_REFUSALS)
			expect_only(spoils[i].code, spoils[i].what);
		else
			cr_expect_eq(refusals.n_total, 0, "%s", spoils[i].what);
	}
}

/* What is not in the table above is what admit.c refuses, or is tested here. */
Test(object, each_refusal_has_its_object)
{
	bool seen[N_REFUSALS] = {0};

	for (size_t i = 0; i < N_SPOILS; i++)
		seen[spoils[i].code] = true;
	for (int c = 0; c < REFUSAL_ENTRY_MISSING; c++)
		cr_expect(seen[c], "%s", refusal_name(c));
}

/* Fields that may have other values. */
static const struct spoil harmless[] = {
	{"gnu abi", F(ehdr.e_ident[EI_OSABI]), ELFOSABI_GNU, N_REFUSALS},
	{"note", PH(SPARE_HEADER, p_type), PT_NOTE, N_REFUSALS},
	{"sframe", PH(SPARE_HEADER, p_type), 0x6474e554, N_REFUSALS},
	{"empty segment", PH(SPARE_HEADER, p_type), PT_LOAD, N_REFUSALS},
	{"no alignment", PH(TEXT, p_align), 0, N_REFUSALS},
	{"no stack", PH(STACK, p_type), PT_NULL, N_REFUSALS},
	{"no relro", PH(RELRO, p_type), PT_NULL, N_REFUSALS},
	{"only executable", PH(TEXT, p_flags), PF_X, N_REFUSALS},
	{"relro to its page", PH(RELRO, p_memsz), 3 * GOOD_PAGE, N_REFUSALS},
	{"no init", TAG(INIT), DT_DEBUG, N_REFUSALS},
	{"no array", DYN(INIT_ARRAYSZ), 0, N_REFUSALS},
	{"flags 1", TAG(SPARE), DT_FLAGS_1, N_REFUSALS},
	{"symbolic", TAG(SPARE), DT_SYMBOLIC, N_REFUSALS},
	{"versions of its own", TAG(SPARE), DT_VERDEF, N_REFUSALS},
	{"absolute symbol", SYM(TABLE, st_shndx), SHN_ABS, N_REFUSALS},
	{"unique symbol", SYM(TABLE, st_info),
		ELF64_ST_INFO(STB_GNU_UNIQUE, STT_OBJECT), N_REFUSALS},
	{"end of image", SYM(TABLE, st_value), 6 * GOOD_PAGE, N_REFUSALS},
	{"weak export", SYM(LOG, st_info), ELF64_ST_INFO(STB_WEAK, STT_FUNC),
		N_REFUSALS},
	{"no relocation", F(rela[0].r_info), 0, N_REFUSALS},
	{"target at end", F(rela[0].r_offset), sizeof(good) + GOOD_BSS - 8,
		N_REFUSALS},
	{"odd target", F(rela[0].r_offset), 3 * GOOD_PAGE + 1, N_REFUSALS},
};

Test(object, harmless_fields)
{
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		apply(&harmless[i]);
		cr_expect(read_good());
		cr_expect_eq(refusals.n_total, 0, "%s: %s %s", harmless[i].what,
			refusal_name(refusals.kept[0].code),
			refusals.kept[0].detail);
	}
}

/* Cut anywhere, it is refused, and nothing is read behind the end. */
Test(object, cut_files)
{
	for (size_t len = 0; len < sizeof(good); len += len < 1200 ? 1 : 97) {
		(void)read_bytes(&good, len);
		cr_assert_gt(refusals.n_total, 0, "%zu", len);
	}
	(void)read_bytes(&good, 0);
	expect_only(REFUSAL_NOT_ELF, "empty");
}

Test(object, too_large_a_file)
{
	char *p = calloc(1, OBJECT_FILE_MAX + 1);

	cr_assert_not_null(p);
	memcpy(p, &good, sizeof(good));
	cr_assert(!read_bytes(p, OBJECT_FILE_MAX + 1));
	expect_only(REFUSAL_TOO_LARGE, "file");
	cr_assert(read_bytes(p, OBJECT_FILE_MAX));
	cr_assert_eq(refusals.n_total, 0);
	free(p);
}

Test(object, too_many_symbols)
{
	good.dyn[GOOD_D_SPARE] =
		(Elf64_Dyn){DT_HASH, {offsetof(struct good, hash)}};
	cr_assert(read_good());
	cr_assert_eq(refusals.n_total, 0);
	good.hash.n_chains = 10000;
	(void)read_good();
	cr_assert_gt(refusals.counts[REFUSAL_SYMBOL], 0);
	cr_assert_lt(object.n_symbols, 10000, "no room for them");
	good.hash.n_chains = UINT32_MAX;
	(void)read_good();
	cr_assert_eq(refusals.counts[REFUSAL_TOO_LARGE], 1);
}

Test(object, symbols_that_no_relocation_uses)
{
	good.dyn[GOOD_D_RELASZ].d_un.d_val = 0;
	good.dyn[GOOD_D_PLTRELSZ].d_un.d_val = 0;
	cr_assert(read_good());
	cr_assert_eq(refusals.n_total, 0);
	cr_assert_eq(object.n_symbols, GOOD_SYMBOLS);
}

Test(object, segments_that_meet_on_a_page)
{
	Elf64_Phdr *text = &good.phdr[GOOD_TEXT];

	text[0].p_filesz = text[0].p_memsz = 8;
	text[1].p_vaddr = text[0].p_vaddr + 16;
	text[1].p_offset += 16;
	text[1].p_filesz = text[1].p_memsz = 8;
	cr_assert(!read_good());
	expect_only(REFUSAL_OVERLAP, "behind it");
}

Test(object, constructors_up_to_the_limit)
{
	good.phdr[GOOD_DATA].p_memsz = 1 << 20;
	good.dyn[GOOD_D_INIT_ARRAYSZ].d_un.d_val = 8 * OBJECT_INITS_MAX;
	cr_assert(read_good());
	cr_assert_eq(refusals.n_total, 0);
	good.dyn[GOOD_D_INIT_ARRAYSZ].d_un.d_val += 8;
	cr_assert(read_good());
	expect_only(REFUSAL_INIT, "one too many");
}

/* A name that has no end within the limit, asked for by every symbol: the time
 * is bounded, too. */
Test(object, endless_names)
{
	size_t len = sizeof(good) + 2 * OBJECT_NAME_MAX;
	char *p = malloc(len);
	struct good *g = (void *)p;

	cr_assert_not_null(p);
	memset(p, 'x', len);
	memcpy(p, &good, sizeof(good));
	p[len - 1] = '\0';
	g->phdr[GOOD_DATA].p_filesz = len - 3 * GOOD_PAGE;
	g->phdr[GOOD_DATA].p_memsz = len - 3 * GOOD_PAGE;
	g->dyn[GOOD_D_STRTAB].d_un.d_val = sizeof(good);
	g->dyn[GOOD_D_STRSZ].d_un.d_val = 2 * OBJECT_NAME_MAX;
	g->dyn[GOOD_D_SONAME].d_un.d_val = OBJECT_NAME_MAX;
	(void)read_bytes(p, len);
	cr_assert_eq(refusals.counts[REFUSAL_SYMBOL], GOOD_SYMBOLS - 1);
	free(p);
}

/* So many relocations, each in another of `pages` pages than the last one. */
static void read_relocs(size_t n, size_t pages)
{
	const size_t len = sizeof(good) + n * sizeof(Elf64_Rela);
	char *p = calloc(1, len);
	struct good *g = (void *)p;

	cr_assert_not_null(p);
	*g = good;
	g->phdr[GOOD_DATA].p_filesz = len - 3 * GOOD_PAGE;
	g->phdr[GOOD_DATA].p_memsz = len - 3 * GOOD_PAGE;
	g->dyn[GOOD_D_RELA].d_un.d_val = sizeof(good);
	g->dyn[GOOD_D_RELASZ].d_un.d_val = n * sizeof(Elf64_Rela);
	g->jmprel[0].r_offset = sizeof(good);
	for (size_t i = 0; i < n; i++) {
		Elf64_Rela r = {
			.r_offset = sizeof(good) + (i % pages) * GOOD_PAGE,
			.r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE),
		};

		memcpy(p + sizeof(good) + i * sizeof(r), &r, sizeof(r));
	}
	(void)read_bytes(p, len);
	free(p);
}

Test(object, relocations_up_to_the_limits)
{
	/* One more is the table of the PLT's. */
	read_relocs(OBJECT_RELOCS_MAX - 1, 1);
	cr_assert_eq(refusals.n_total, 0);
	read_relocs(OBJECT_RELOCS_MAX, 1);
	expect_only(REFUSAL_TOO_LARGE, "relocations");
	/* That one is back in the first page. */
	read_relocs(OBJECT_RELOC_PAGES_MAX - 1, 2);
	cr_assert_eq(refusals.n_total, 0);
	read_relocs(OBJECT_RELOC_PAGES_MAX + 1, 2);
	expect_only(REFUSAL_TOO_LARGE, "pages");
}

Test(object, segments_up_to_the_limit)
{
	struct {
		Elf64_Ehdr h;
		Elf64_Phdr p[OBJECT_SEGMENTS_MAX + 1];
	} f = {.h = good.ehdr};

	f.h.e_phoff = sizeof(f.h);
	for (unsigned i = 0; i <= OBJECT_SEGMENTS_MAX; i++)
		f.p[i] = (Elf64_Phdr){.p_type = PT_LOAD,
			.p_flags = PF_R,
			.p_vaddr = (uint64_t)i * GOOD_PAGE,
			.p_memsz = 1};
	f.h.e_phnum = OBJECT_SEGMENTS_MAX;
	cr_assert(read_bytes(&f, sizeof(f)));
	expect_only(REFUSAL_DYNAMIC, "all segments");
	f.h.e_phnum++;
	cr_assert(!read_bytes(&f, sizeof(f)));
	expect_only(REFUSAL_TOO_LARGE, "one too many");
	f.h.e_phnum = 1;
	f.p[0].p_memsz = 0;
	cr_assert(!read_bytes(&f, sizeof(f)));
	expect_only(REFUSAL_SEGMENT, "none");
}

Test(object, names_are_told)
{
	good.dyn[GOOD_D_SPARE] =
		(Elf64_Dyn){DT_NEEDED, {good_string(&good, "libc.so.6")}};
	good.dyn[GOOD_D_SPARE + 1] = (Elf64_Dyn){DT_NEEDED, {1 << 20}};
	good.sym[GOOD_LOG].st_name = good_string(&good, "nobody");
	(void)read_good();
	cr_assert_eq(refusals.n, 3);
	cr_assert_str_eq(refusals.kept[0].detail, "DT_NEEDED libc.so.6");
	cr_assert_str_eq(refusals.kept[1].detail, "DT_NEEDED");
	cr_assert_eq(refusals.kept[2].code, REFUSAL_UNDEFINED);
	cr_assert_str_eq(refusals.kept[2].detail, "nobody");
}

Test(object, the_place_of_a_relocation_is_told)
{
	good.rela[GOOD_R_64].r_offset = GOOD_PAGE + 8;
	(void)read_good();
	cr_assert_eq(refusals.n, 1);
	cr_assert_eq(refusals.kept[0].address, GOOD_PAGE + 8);
	cr_assert_eq(refusals.kept[0].offset, GOOD_PAGE + 8);
	cr_assert_str_eq(refusals.kept[0].detail, "a word of table");
}

Test(object, all_reasons_at_once)
{
	good.phdr[GOOD_STACK].p_flags |= PF_X;
	good.phdr[GOOD_TEXT].p_flags |= PF_W;
	good.phdr[GOOD_SPARE_HEADER].p_type = PT_TLS;
	good.dyn[GOOD_D_SPARE].d_tag = DT_NEEDED;
	good.dyn[GOOD_D_SPARE + 1].d_tag = DT_RUNPATH;
	good.sym[GOOD_HELPER].st_info =
		ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
	good.rela[0].r_info = TYPE(0, COPY);
	cr_assert(read_good());
	cr_assert_eq(refusals.n_total, 7);
	cr_assert_eq(refusals.n, 7);
}

Test(object, many_of_one_kind_are_counted)
{
	struct refusals *r = &refusals;

	refusals_init(r);
	for (int c = 0; c < N_REFUSALS; c++)
		for (int i = 0; i < 100; i++)
			cr_assert_eq(refusals_add(r, c, "%d", i) != NULL,
				i < REFUSALS_EACH);
	cr_assert_eq(r->n_total, 100 * N_REFUSALS);
	cr_assert_eq(r->n, REFUSALS_EACH * N_REFUSALS);
	for (int c = 0; c < N_REFUSALS; c++) {
		cr_assert_eq(r->counts[c], 100);
		cr_assert_gt(strlen(refusal_name(c)), 0);
		cr_assert_gt(strlen(refusal_text(c)), 0);
	}
}
