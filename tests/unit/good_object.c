/* The admitted object; see the header. */
#include "good_object.h"

#include "base/check.h"
#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(struct good, field)

static const char strings[] =
	"\0gv_log\0weak\0handler\0helper\0table\0good.so\0"
	"libc.so.6\0nobody";

uint32_t good_string(const struct good *g, const char *name)
{
	uint32_t at = 0;

	while (at < sizeof(strings) && strcmp(g->str + at, name) != 0)
		at += (uint32_t)strlen(g->str + at) + 1;
	CHECK(at < sizeof(strings));
	return at;
}

static void make_headers(struct good *g)
{
	Elf64_Ehdr *h = &g->ehdr;

	memcpy(h->e_ident, ELFMAG, SELFMAG);
	h->e_ident[EI_CLASS] = ELFCLASS64;
	h->e_ident[EI_DATA] = ELFDATA2LSB;
	h->e_ident[EI_VERSION] = EV_CURRENT;
	h->e_type = ET_DYN;
	h->e_machine = EM_X86_64;
	h->e_version = EV_CURRENT;
	h->e_phoff = AT(phdr);
	h->e_ehsize = sizeof(*h);
	h->e_phentsize = sizeof(Elf64_Phdr);
	h->e_phnum = GOOD_HEADERS;
}

static void make_segment(
	struct good *g, int i, unsigned type, unsigned flags, size_t at)
{
	g->phdr[i] = (Elf64_Phdr){.p_type = type,
		.p_flags = flags,
		.p_offset = at,
		.p_vaddr = at,
		.p_align = type == PT_LOAD ? GOOD_PAGE : 8};
}

static void size_segment(struct good *g, int i, size_t filled, size_t zeros)
{
	g->phdr[i].p_filesz = filled;
	g->phdr[i].p_memsz = filled + zeros;
}

static void make_segments(struct good *g)
{
	make_segment(g, GOOD_TABLES, PT_LOAD, PF_R, 0);
	size_segment(g, GOOD_TABLES, AT(str) + sizeof(g->str), 0);
	make_segment(g, GOOD_TEXT, PT_LOAD, PF_R | PF_X, AT(text));
	size_segment(g, GOOD_TEXT, sizeof(g->text), 0);
	make_segment(g, GOOD_TEXT2, PT_LOAD, PF_R | PF_X, AT(text2));
	size_segment(g, GOOD_TEXT2, sizeof(g->text2), 0);
	make_segment(g, GOOD_DATA, PT_LOAD, PF_R | PF_W, AT(dyn));
	size_segment(g, GOOD_DATA, sizeof(*g) - AT(dyn), GOOD_BSS);
	make_segment(g, GOOD_DYNAMIC, PT_DYNAMIC, PF_R | PF_W, AT(dyn));
	size_segment(g, GOOD_DYNAMIC, sizeof(g->dyn), 0);
	make_segment(g, GOOD_RELRO, PT_GNU_RELRO, PF_R, AT(dyn));
	size_segment(g, GOOD_RELRO, AT(table) - AT(dyn), 0);
	make_segment(g, GOOD_STACK, PT_GNU_STACK, PF_R | PF_W, 0);
}

static void make_symbol(
	struct good *g, int i, const char *name, unsigned info, size_t at)
{
	g->sym[i] = (Elf64_Sym){.st_name = good_string(g, name),
		.st_info = (unsigned char)info,
		.st_shndx = at ? 1 : SHN_UNDEF,
		.st_value = at};
}

static void make_symbols(struct good *g)
{
	const unsigned function = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);

	make_symbol(g, GOOD_LOG, "gv_log", function, 0);
	make_symbol(
		g, GOOD_WEAK, "weak", ELF64_ST_INFO(STB_WEAK, STT_NOTYPE), 0);
	make_symbol(
		g, GOOD_HANDLER, "handler", function, AT(text) + GOOD_ENTRY);
	make_symbol(g, GOOD_HELPER, "helper", function, AT(text2));
	make_symbol(g, GOOD_TABLE, "table",
		ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), AT(table));
	g->gnu_hash.n_buckets = 1;
	g->gnu_hash.first = GOOD_HANDLER;
	g->gnu_hash.n_words = 1;
	g->gnu_hash.bucket[0] = GOOD_HANDLER;
	g->gnu_hash.chain[GOOD_TABLE - GOOD_HANDLER] = 1;
	g->hash.n_buckets = 1;
	g->hash.n_chains = GOOD_SYMBOLS;
}

static void make_relocs(struct good *g)
{
	g->rela[GOOD_R_RELATIVE] = (Elf64_Rela){
		AT(init_array), ELF64_R_INFO(0, R_X86_64_RELATIVE), AT(text2)};
	g->rela[GOOD_R_64] = (Elf64_Rela){
		AT(table), ELF64_R_INFO(GOOD_TABLE, R_X86_64_64), 8};
	g->rela[GOOD_R_GLOB_DAT] = (Elf64_Rela){
		AT(got[1]), ELF64_R_INFO(GOOD_WEAK, R_X86_64_GLOB_DAT), 0};
	g->jmprel[0] = (Elf64_Rela){
		AT(got[2]), ELF64_R_INFO(GOOD_LOG, R_X86_64_JUMP_SLOT), 0};
}

static void make_dynamic(struct good *g)
{
	const Elf64_Dyn all[GOOD_D_SPARE] = {
		[GOOD_D_GNU_HASH] = {DT_GNU_HASH, {AT(gnu_hash)}},
		[GOOD_D_STRTAB] = {DT_STRTAB, {AT(str)}},
		[GOOD_D_STRSZ] = {DT_STRSZ, {sizeof(g->str)}},
		[GOOD_D_SYMTAB] = {DT_SYMTAB, {AT(sym)}},
		[GOOD_D_SYMENT] = {DT_SYMENT, {sizeof(Elf64_Sym)}},
		[GOOD_D_RELA] = {DT_RELA, {AT(rela)}},
		[GOOD_D_RELASZ] = {DT_RELASZ, {sizeof(g->rela)}},
		[GOOD_D_RELAENT] = {DT_RELAENT, {sizeof(Elf64_Rela)}},
		[GOOD_D_JMPREL] = {DT_JMPREL, {AT(jmprel)}},
		[GOOD_D_PLTRELSZ] = {DT_PLTRELSZ, {sizeof(g->jmprel)}},
		[GOOD_D_PLTREL] = {DT_PLTREL, {DT_RELA}},
		[GOOD_D_INIT] = {DT_INIT, {AT(text)}},
		[GOOD_D_INIT_ARRAY] = {DT_INIT_ARRAY, {AT(init_array)}},
		[GOOD_D_INIT_ARRAYSZ] = {DT_INIT_ARRAYSZ,
			{sizeof(g->init_array)}},
		[GOOD_D_SONAME] = {DT_SONAME, {good_string(g, "good.so")}},
		[GOOD_D_FLAGS] = {DT_FLAGS, {DF_BIND_NOW}},
	};

	memcpy(g->dyn, all, sizeof(all));
}

void good_make(struct good *g)
{
	_Static_assert(AT(text) == GOOD_PAGE, "the tables are one page");
	_Static_assert(AT(dyn) == 3 * GOOD_PAGE, "and the code is two");
	_Static_assert(sizeof(strings) <= sizeof(g->str), "no room");
	memset(g, 0, sizeof(*g));
	memcpy(g->str, strings, sizeof(strings));
	memset(g->text, 0x90, sizeof(g->text));
	memset(g->text2, 0x90, sizeof(g->text2));
	make_headers(g);
	make_segments(g);
	make_symbols(g);
	make_relocs(g);
	make_dynamic(g);
}
