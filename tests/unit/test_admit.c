/*
 * Admission: the entry point, and forbidden bytes at each place of an image
 * where they can be executed, and at those where they can't.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/admit.h"
#include "good_object.h"
#include "sandbox/scan.h"

#define TEXT offsetof(struct good, text)
#define TEXT2 offsetof(struct good, text2)
#define DATA offsetof(struct good, dyn)

static struct good good;
static struct admit *admit;

static void start(void)
{
	good_make(&good);
}

static void stop(void)
{
	admit = admit_free(admit);
}

/* Whichever field that is. */
static uint8_t *at(size_t offset)
{
	return (uint8_t *)&good + offset;
}

static void look_for(const char *entry)
{
	const struct admit_wish wish = {.entry = entry};

	admit = admit_free(admit);
	cr_assert_eq(admit_new(&good, sizeof(good), &wish, &admit), 0);
}

static void look(void)
{
	look_for("handler");
}

/* Refused for `code` alone. */
static const struct refusal *expect_only(enum refusal_code code)
{
	cr_assert(!admit_ok(admit));
	cr_assert_eq(admit->refusals.counts[code], admit->refusals.n_total,
		"%s: %lu of %lu", refusal_name(code),
		admit->refusals.counts[code], admit->refusals.n_total);
	return &admit->refusals.kept[0];
}

TestSuite(admit, .init = start, .fini = stop, .timeout = 60);

Test(admit, a_good_one)
{
	look();
	cr_assert(admit_ok(admit));
	cr_assert(admit->scanned);
	cr_assert_eq(admit->entry, TEXT + GOOD_ENTRY);
	cr_assert_eq(admit->n_code, 2 * GOOD_PAGE);
}

Test(admit, the_image_is_as_the_file_says)
{
	static const uint8_t zeros[3 * GOOD_PAGE];
	const uint8_t *image;
	const size_t all = 6 * GOOD_PAGE;

	look();
	image = admit->layout.image;
	cr_assert_eq(admit->layout.span, all);
	cr_assert_eq(memcmp(image, &good, offsetof(struct good, text)), 0);
	cr_assert_eq(memcmp(image + TEXT, good.text, 2 * GOOD_PAGE), 0);
	cr_assert_eq(memcmp(image + DATA, good.dyn, sizeof(good) - DATA), 0);
	cr_assert_eq(
		memcmp(image + sizeof(good), zeros, all - sizeof(good)), 0);
}

/* Signals make the tests below: SIGSEGV is what is hoped for. */
Test(admit, the_image_is_read_only, .signal = SIGSEGV)
{
	look();
	*(volatile uint8_t *)admit->layout.image = 1;
}

Test(admit, a_guard_below, .signal = SIGSEGV)
{
	look();
	(void)*(volatile uint8_t *)(admit->layout.image - 1);
}

Test(admit, a_guard_above, .signal = SIGSEGV)
{
	look();
	(void)*(volatile uint8_t *)(admit->layout.image + admit->layout.span);
}

/* Of two objects' bytes in one segment's page only the segment's are there. */
Test(admit, what_is_beside_a_segment_in_the_file_is_not_in_the_image)
{
	good.phdr[GOOD_TEXT2].p_filesz = 100;
	good.phdr[GOOD_TEXT2].p_memsz = 100;
	memcpy(good.text2 + 100, "\x0f\x01\xef", 3);
	look();
	cr_assert(admit_ok(admit));
	cr_assert_eq(admit->layout.image[TEXT2 + 99], 0x90);
	cr_assert_eq(admit->layout.image[TEXT2 + 100], 0);
}

Test(admit, entry_missing)
{
	look_for("main");
	expect_only(REFUSAL_ENTRY_MISSING);
	cr_assert_eq(admit->entry, 0);
	look_for("gv_log");
	expect_only(REFUSAL_ENTRY_MISSING);
	look_for("");
	expect_only(REFUSAL_ENTRY_MISSING);
	look_for("helper");
	cr_assert(admit_ok(admit));
}

Test(admit, entry_is_no_code)
{
	look_for("table");
	expect_only(REFUSAL_ENTRY_NO_CODE);
	good.sym[GOOD_HANDLER].st_value = DATA;
	look();
	expect_only(REFUSAL_ENTRY_NO_CODE);
	good.sym[GOOD_HANDLER].st_value = 6 * GOOD_PAGE;
	look();
	expect_only(REFUSAL_ENTRY_NO_CODE);
	good.sym[GOOD_HANDLER].st_value = 0;
	good.phdr[GOOD_TABLES].p_flags = PF_R | PF_X;
	look();
	expect_only(REFUSAL_ENTRY_NO_CODE);
	start();
	good.sym[GOOD_HANDLER].st_shndx = SHN_ABS;
	look();
	expect_only(REFUSAL_ENTRY_NO_CODE);
	start();
	good.sym[GOOD_HANDLER].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
	look();
	expect_only(REFUSAL_ENTRY_NO_CODE);
}

static const struct {
	uint8_t bytes[SCAN_LONGEST];
	unsigned length;
	enum refusal_code code;
} seqs[] = {
	{{0x0f, 0x01, 0xef}, 3, REFUSAL_WRPKRU},
	{{0xd5, 0x80, 0x01, 0xef}, 4, REFUSAL_WRPKRU},
	{{0x0f, 0xae, 0x28}, 3, REFUSAL_XRSTOR},
	{{0x0f, 0xae, 0xaf}, 3, REFUSAL_XRSTOR},
	{{0xd5, 0xff, 0xae, 0x6f}, 4, REFUSAL_XRSTOR},
	{{0x0f, 0xae, 0xd0}, 3, REFUSAL_WRITE_BASE},
	{{0x0f, 0xae, 0xdf}, 3, REFUSAL_WRITE_BASE},
	{{0xd5, 0x88, 0xae, 0xd3}, 4, REFUSAL_WRITE_BASE},
	{{0x53, 0x30, 0x05, 0x53}, 4, REFUSAL_RSEQ},
	{{0x0f, 0x05}, 2, REFUSAL_SYSTEM_CALL},
	{{0x0f, 0x34}, 2, REFUSAL_SYSTEM_CALL},
	{{0xcd, 0x80}, 2, REFUSAL_SYSTEM_CALL},
	{{0xd5, 0x80, 0x05}, 3, REFUSAL_SYSTEM_CALL},
};

#define N_SEQS (sizeof(seqs) / sizeof(seqs[0]))

/* The sequence at `where` of the file, then as it was. */
static void place(size_t i, size_t where)
{
	uint8_t *p = at(where), old[SCAN_LONGEST];
	const struct refusal *r;

	memcpy(old, p, sizeof(old));
	memcpy(p, seqs[i].bytes, seqs[i].length);
	look();
	memcpy(p, old, sizeof(old));
	r = expect_only(seqs[i].code);
	cr_assert_eq(admit->refusals.n_total, 1);
	cr_assert_eq(r->address, where);
	cr_assert_eq(r->offset, where);
	cr_assert_geq(r->n_bytes, seqs[i].length);
	cr_assert_eq(memcmp(r->bytes, seqs[i].bytes, seqs[i].length), 0);
}

Test(admit, each_sequence_at_each_alignment)
{
	for (size_t i = 0; i < N_SEQS; i++)
		for (size_t shift = 0; shift < 64; shift++)
			place(i, TEXT + shift);
}

Test(admit, each_sequence_across_each_border)
{
	for (size_t i = 0; i < N_SEQS; i++) {
		/* From wholly before to wholly behind. */
		for (size_t back = 0; back <= seqs[i].length; back++)
			place(i, TEXT2 - back);
		for (size_t back = seqs[i].length; back < 20; back++)
			place(i, DATA - back);
	}
}

/* One segment of two pages: no border between them but the page's. */
Test(admit, across_pages_of_one_segment)
{
	good.phdr[GOOD_TEXT].p_filesz = 2 * GOOD_PAGE;
	good.phdr[GOOD_TEXT].p_memsz = 2 * GOOD_PAGE;
	good.phdr[GOOD_TEXT2].p_type = PT_NULL;
	for (size_t i = 0; i < N_SEQS; i++)
		for (size_t back = 0; back <= seqs[i].length; back++)
			place(i, TEXT2 - back);
}

/* Code that begins and ends in the middle of its page. */
Test(admit, short_segments)
{
	good.phdr[GOOD_TEXT2].p_offset += 100;
	good.phdr[GOOD_TEXT2].p_vaddr += 100;
	good.phdr[GOOD_TEXT2].p_filesz = 50;
	good.phdr[GOOD_TEXT2].p_memsz = 50;
	good.sym[GOOD_HELPER].st_value += 100;
	good.rela[GOOD_R_RELATIVE].r_addend += 100;
	look();
	cr_assert(admit_ok(admit));
	cr_assert_eq(admit->n_code, 2 * GOOD_PAGE);
	for (size_t i = 0; i < N_SEQS; i++) {
		place(i, TEXT2 + 100);
		place(i, TEXT2 + 150 - seqs[i].length);
	}
	good.text2[150] = 0x0f;
	look();
	cr_assert(admit_ok(admit));
}

/* Half of it is no code: nobody can execute it. */
Test(admit, data_is_not_scanned)
{
	for (size_t i = 0; i < N_SEQS; i++) {
		start();
		memcpy(good.table, seqs[i].bytes, seqs[i].length);
		memcpy(good.str + 100, seqs[i].bytes, seqs[i].length);
		look();
		cr_assert(admit_ok(admit), "%zu", i);
		good.phdr[GOOD_TEXT2].p_flags = PF_R;
		good.sym[GOOD_HELPER].st_value = TEXT;
		memcpy(at(TEXT2 - 1), seqs[i].bytes, seqs[i].length);
		look();
		cr_assert(admit_ok(admit), "%zu", i);
	}
}

/* Pages that do not touch: what ends one and begins the next is no sequence. */
Test(admit, a_gap_separates)
{
	for (size_t i = 0; i < N_SEQS; i++) {
		start();
		good.phdr[GOOD_TEXT2].p_vaddr += GOOD_PAGE;
		good.sym[GOOD_HELPER].st_value += GOOD_PAGE;
		good.phdr[GOOD_DATA].p_type = PT_NULL;
		good.phdr[GOOD_DYNAMIC].p_type = PT_NULL;
		good.phdr[GOOD_RELRO].p_type = PT_NULL;
		memcpy(at(TEXT2 - 1), seqs[i].bytes, seqs[i].length);
		look();
		/* What is left has no dynamic section, and thus no entry. */
		cr_assert_eq(admit->refusals.n_total, 2);
		cr_assert_eq(admit->refusals.counts[REFUSAL_DYNAMIC], 1);
		cr_assert_eq(admit->n_code, 2 * GOOD_PAGE);
	}
}

/* Writable code is refused as such, and scanned all the same. */
Test(admit, writable_code_is_scanned)
{
	good.phdr[GOOD_TEXT].p_flags |= PF_W;
	memcpy(good.text, "\x0f\x01\xef", 3);
	look();
	cr_assert_eq(admit->refusals.n_total, 2);
	cr_assert_eq(admit->refusals.counts[REFUSAL_WRPKRU], 1);
}

Test(admit, the_place_is_told)
{
	const struct refusal *r;

	memcpy(good.text + GOOD_ENTRY + 5, "\x0f\x01\xef", 3);
	look();
	r = expect_only(REFUSAL_WRPKRU);
	cr_assert_str_eq(r->symbol, "handler");
	cr_assert_eq(r->symbol_offset, 5);
	cr_assert_str_eq(r->detail, "WRPKRU");
	start();
	memcpy(good.text, "\x0f\x01\xef", 3);
	look();
	r = expect_only(REFUSAL_WRPKRU);
	cr_assert_str_eq(r->symbol, "", "nothing stands before it");
}

Test(admit, all_hits_are_counted)
{
	for (size_t i = 0; i < sizeof(good.text); i += 2)
		memcpy(good.text + i, "\x0f\x05", 2);
	look();
	expect_only(REFUSAL_SYSTEM_CALL);
	cr_assert_eq(admit->refusals.n_total, GOOD_PAGE / 2);
	cr_assert_eq(admit->refusals.n, REFUSALS_EACH);
}

Test(admit, system_calls_may_be_let_pass)
{
	const struct admit_wish wish = {
		.entry = "handler", .system_calls = true};

	memcpy(good.text, "\x0f\x05\xcd\x80\x0f\x34", 6);
	cr_assert_eq(admit_new(&good, sizeof(good), &wish, &admit), 0);
	cr_assert(admit_ok(admit));
	cr_assert_eq(admit->n_system_calls, 3);
	admit = admit_free(admit);
	memcpy(good.text + 8, "\x0f\x01\xef", 3);
	cr_assert_eq(admit_new(&good, sizeof(good), &wish, &admit), 0);
	expect_only(REFUSAL_WRPKRU);
}

Test(admit, no_image_no_scan)
{
	good.phdr[GOOD_DATA].p_vaddr = 0;
	look();
	expect_only(REFUSAL_OVERLAP);
	cr_assert(!admit->scanned);
	cr_assert_null(admit->layout.image);
}

/* The largest object, built to be slow: as many symbols as may be, with names
 * as long as may be, everything else relocations that are refused, and code of
 * nothing but forbidden bytes. */
enum {
	SLOW_TEXT = 2 << 20,
	SLOW_NAMES = 64 << 10,
	SLOW_SYMBOLS = OBJECT_SYMBOLS_MAX * (int)sizeof(Elf64_Sym)
};

static uint8_t *make_slow(void)
{
	const size_t symbols = sizeof(good), names = symbols + SLOW_SYMBOLS;
	const size_t text = names + SLOW_NAMES, relocs = text + SLOW_TEXT;
	const size_t n_relocs = (OBJECT_FILE_MAX - relocs) / sizeof(Elf64_Rela);
	uint8_t *p = calloc(1, OBJECT_FILE_MAX);
	struct good *g = (void *)p;
	Elf64_Sym *sym = (void *)(p + symbols);
	Elf64_Rela *rela = (void *)(p + relocs);

	cr_assert_not_null(p);
	memcpy(p, &good, sizeof(good));
	for (int i = 1; i < OBJECT_SYMBOLS_MAX; i++)
		sym[i] = (Elf64_Sym){.st_name = (uint32_t)(1 + i % 4),
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = text};
	memset(p + names, 'n', OBJECT_NAME_MAX);
	for (size_t i = 0; i < SLOW_TEXT; i += 2)
		memcpy(p + text + i, "\x0f\x05", 2);
	for (size_t i = 0; i < n_relocs; i++)
		rela[i] = (Elf64_Rela){text,
			ELF64_R_INFO(i % OBJECT_SYMBOLS_MAX, R_X86_64_PC32), 0};
	g->phdr[GOOD_DATA].p_filesz = text - DATA;
	g->phdr[GOOD_DATA].p_memsz = text - DATA;
	g->phdr[GOOD_RELRO] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, text, text, 0,
		SLOW_TEXT, SLOW_TEXT, GOOD_PAGE};
	g->phdr[GOOD_SPARE_HEADER] = (Elf64_Phdr){PT_LOAD, PF_R, relocs, relocs,
		0, OBJECT_FILE_MAX - relocs, OBJECT_FILE_MAX - relocs,
		GOOD_PAGE};
	g->dyn[GOOD_D_SYMTAB].d_un.d_val = symbols;
	g->dyn[GOOD_D_STRTAB].d_un.d_val = names;
	g->dyn[GOOD_D_STRSZ].d_un.d_val = SLOW_NAMES;
	g->dyn[GOOD_D_RELA].d_un.d_val = relocs;
	g->dyn[GOOD_D_RELASZ].d_un.d_val = n_relocs * sizeof(Elf64_Rela);
	g->dyn[GOOD_D_PLTRELSZ].d_un.d_val = 0;
	g->dyn[GOOD_D_SONAME].d_un.d_val = 5;
	return p;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

Test(admit, the_slowest_is_fast_enough)
{
	const struct admit_wish wish = {.entry = "handler"};
	uint8_t *slow = make_slow();
	uint64_t begin = now_ns(), took;

	cr_assert_eq(admit_new(slow, OBJECT_FILE_MAX, &wish, &admit), 0);
	took = now_ns() - begin;
	cr_log_info("%lu us", took / 1000);
	cr_assert_eq(admit->object.n_symbols, OBJECT_SYMBOLS_MAX);
	cr_assert_eq(
		admit->refusals.counts[REFUSAL_SYSTEM_CALL], SLOW_TEXT / 2);
	cr_assert_gt(admit->refusals.counts[REFUSAL_RELOCATION_TYPE], 400000);
	/* A tenth of it on an idle machine; minutes if a bound is missing. */
	cr_assert_lt(took, 3000000000);
	free(slow);
}

Test(admit, free_takes_null)
{
	cr_assert_null(admit_free(NULL));
}
