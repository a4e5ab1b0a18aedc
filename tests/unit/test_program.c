/*
 * A native function's image, made ready and mapped: what it holds, what may be
 * done with it, and that two copies of it share nothing that can be written.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/exports.h"
#include "engine/program.h"
#include "good_object.h"

#define AT(field) offsetof(struct good, field)

enum {
	SPAN = 6 * GOOD_PAGE
};

static struct good good;
static struct program *program;
static char *place[2];

static void start(void)
{
	good_make(&good);
	/* A page of its own for what is read-only later. */
	good.phdr[GOOD_RELRO].p_memsz = GOOD_PAGE;
	for (int i = 0; i < 2; i++)
		place[i] = mmap(NULL, SPAN, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void stop(void)
{
	program = program_free(program);
	for (int i = 0; i < 2; i++)
		(void)munmap(place[i], SPAN);
}

static int make(void)
{
	const struct admit_wish wish = {.entry = "handler"};
	struct admit *a;
	int r;

	cr_assert_eq(admit_new(&good, sizeof(good), &wish, &a), 0);
	cr_assert(admit_ok(a));
	r = program_new(a, &program);
	(void)admit_free(a);
	return r;
}

static void make_and_map(void)
{
	cr_assert_eq(make(), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(program_map(program, place[i]), 0);
}

static uint64_t word(const char *image, size_t at)
{
	uint64_t value;

	memcpy(&value, image + at, sizeof(value));
	return value;
}

/* "r-xp" of the mapping that has the address. */
static const char *rights(const void *at)
{
	static char perms[5];
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long from, to;

	perms[0] = '\0';
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 &&
			(uintptr_t)at >= from && (uintptr_t)at < to)
			(void)sscanf(line, "%*x-%*x %4s", perms);
	(void)fclose(f);
	return perms;
}

TestSuite(program, .init = start, .fini = stop, .timeout = 60);

Test(program, parts)
{
	cr_assert_eq(make(), 0);
	cr_assert_eq(program->span, SPAN);
	cr_assert_eq(program->filled, 4 * GOOD_PAGE);
	/* Tables; both texts, which touch; what is relocated. */
	cr_assert_eq(program->n_parts, 3);
	cr_assert_eq(program->parts[0].at, 0);
	cr_assert_eq(program->parts[0].pages, 1);
	cr_assert(!program->parts[0].code);
	cr_assert_eq(program->parts[1].at, 1);
	cr_assert_eq(program->parts[1].pages, 2);
	cr_assert(program->parts[1].code);
	cr_assert_eq(program->parts[2].at, 3);
	cr_assert_eq(program->parts[2].pages, 1);
	cr_assert(!program->parts[2].code);
}

Test(program, relocations)
{
	make_and_map();
	for (int i = 0; i < 2; i++) {
		char *image = place[i];

		cr_assert_eq(word(image, AT(init_array)),
			(uintptr_t)image + AT(text2));
		cr_assert_eq(word(image, AT(table)),
			(uintptr_t)image + AT(table) + 8);
		cr_assert_eq(word(image, AT(got[1])), 0, "weak");
		cr_assert_eq(word(image, AT(got[2])),
			(uintptr_t)exports_address[exports_find(
				exports_native, "gv_log")]);
		cr_assert_eq(
			memcmp(image + AT(text), good.text, 2 * GOOD_PAGE), 0);
	}
}

/* An absolute symbol's value stays as it is; a relocation may stand among the
 * zeros, which then come from the file as well. */
Test(program, odd_relocations)
{
	const size_t far = sizeof(good) + GOOD_PAGE - 8;

	good.sym[GOOD_TABLE].st_shndx = SHN_ABS;
	good.sym[GOOD_TABLE].st_value = 0x1234;
	good.rela[GOOD_R_64].r_offset = far;
	make_and_map();
	cr_assert_geq(program->filled, far + 8);
	cr_assert_eq(word(place[0], far), 0x1234 + 8);
}

Test(program, rights)
{
	make_and_map();
	cr_assert_str_eq(rights(place[0]), "r--p");
	cr_assert_str_eq(rights(place[0] + AT(text)), "r-xp");
	cr_assert_str_eq(rights(place[0] + AT(text2)), "r-xp");
	cr_assert_str_eq(rights(place[0] + AT(table)), "r--p");
	cr_assert_str_eq(rights(place[0] + 4 * GOOD_PAGE), "rw-p");
}

/* Of [at, at + len), which nothing touches that looks the same. */
static unsigned mappings(const char *at, size_t len)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512];
	unsigned n = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 &&
			from < (uintptr_t)at + len && to > (uintptr_t)at)
			n++;
	(void)fclose(f);
	return n;
}

/* What isolates count for is what they make. */
static void counts_its_mappings(unsigned want)
{
	const size_t len = SPAN + 4 * GOOD_PAGE;
	char *wide =
		mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = wide + 2 * GOOD_PAGE;

	cr_assert_neq((void *)wide, MAP_FAILED);
	cr_assert_eq(mprotect(wide + GOOD_PAGE, SPAN + 2 * GOOD_PAGE,
			     PROT_READ | PROT_WRITE),
		0);
	cr_assert_eq(mappings(at, SPAN), 1);
	cr_assert_eq(make(), 0);
	cr_assert_eq(program_map(program, at), 0);
	/* Those that can be written to may have pages of their own by now. */
	cr_assert_eq(mappings(wide + GOOD_PAGE, SPAN + 2 * GOOD_PAGE), want);
	cr_assert_eq(program_maps(program) + 1, want);
	(void)munmap(wide, len);
}

Test(program, mappings)
{
	counts_its_mappings(5);
}

Test(program, mappings_without_relro)
{
	good.phdr[GOOD_RELRO].p_type = PT_NULL;
	counts_its_mappings(5);
}

Test(program, without_relro_the_data_stays_writable)
{
	good.phdr[GOOD_RELRO].p_type = PT_NULL;
	make_and_map();
	cr_assert_eq(program->n_parts, 2);
	cr_assert_str_eq(rights(place[0] + AT(table)), "rw-p");
}

Test(program, no_byte_is_shared)
{
	good.phdr[GOOD_RELRO].p_type = PT_NULL;
	make_and_map();
	for (size_t at = AT(dyn); at < SPAN; at++)
		place[0][at] = 'x';
	cr_assert_eq(
		word(place[1], AT(table)), (uintptr_t)place[1] + AT(table) + 8);
	for (size_t at = sizeof(good); at < SPAN; at++)
		cr_assert_eq(place[1][at], 0);
}

/* What was scanned can't be changed by whoever holds the file. */
Test(program, sealed)
{
	void *p;

	cr_assert_eq(make(), 0);
	cr_assert_eq(pwrite(program->fd, "x", 1, 0), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(ftruncate(program->fd, 0), -1);
	p = mmap(NULL, GOOD_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		program->fd, 0);
	cr_assert_eq(p, MAP_FAILED);
	cr_assert_eq(fcntl(program->fd, F_ADD_SEALS, 0), -1);
	cr_assert(fcntl(program->fd, F_GETFD) & FD_CLOEXEC);
}

/* The bytes that it was made of are not needed any more. */
Test(program, names)
{
	char text[64];

	cr_assert_eq(make(), 0);
	memset(&good, 0xff, sizeof(good));
	cr_assert(program_name(
		program, AT(text) + GOOD_ENTRY + 0x12, text, sizeof(text)));
	cr_assert_str_eq(text, "handler+0x12");
	cr_assert(program_name(program, AT(text2), text, sizeof(text)));
	cr_assert_str_eq(text, "helper+0x0");
	cr_assert(!program_name(program, SPAN, text, sizeof(text)));
	cr_assert(!program_name(program, UINT64_MAX, text, sizeof(text)));
}

Test(program, names_are_harmless)
{
	char text[64];

	memcpy(good.str + good.sym[GOOD_HELPER].st_name, "a\n\x1b[\xff", 5);
	cr_assert_eq(make(), 0);
	cr_assert(program_name(program, AT(text2), text, sizeof(text)));
	cr_assert_str_eq(text, "a\xef\xbf\xbd\xef\xbf\xbd[\xef\xbf\xbdr+0x0");
	/* As long as they get, they end in time. */
	memset(good.str + good.sym[GOOD_HELPER].st_name, '\n', 5);
	(void)program_name(program, AT(text2), text, 8);
	cr_assert_lt(strlen(text), 8);
}

Test(program, described)
{
	struct inside in = {0};

	cr_assert_eq(make(), 0);
	program_describe(program, 0x10000, &in);
	cr_assert_eq(in.code, 0x10000);
	cr_assert_eq(in.code_len, SPAN);
	cr_assert_eq(in.handler, 0x10000 + AT(text) + GOOD_ENTRY);
	cr_assert_eq(in.init, 0x10000 + AT(text));
	cr_assert_eq(in.inits, 0x10000 + AT(init_array));
	cr_assert_eq(in.n_inits, 1);
}

/* As a descriptor of the file is all that goes with it, none is left. */
Test(program, nothing_is_left)
{
	int before = dup(0), after;

	(void)close(before);
	for (int i = 0; i < 100; i++) {
		cr_assert_eq(make(), 0);
		program = program_free(program);
	}
	after = dup(0);
	(void)close(after);
	cr_assert_eq(before, after);
}

/* Through the engine: the verdict, and what it says. */
static int admit(struct engine_verdict *ret)
{
	const struct engine_code code = {
		.bytes = &good, .len = sizeof(good), .entry = "handler"};

	return engine_native.admit(&code, ret);
}

Test(program, the_engine_admits)
{
	struct engine_verdict v;

	cr_assert_eq(admit(&v), 0);
	cr_assert(v.program);
	cr_assert_null(v.refusals);
	program = v.program;
	cr_assert(!engine_native.memory_safe);
}

Test(program, the_engine_refuses)
{
	struct engine_verdict v;

	memcpy(good.text + 100, "\x0f\x01\xef", 3);
	memcpy(good.text2 + 7, "\x0f\x01\xef", 3);
	cr_assert_eq(admit(&v), ENGINE_E_REJECTED);
	cr_assert_null(v.program);
	cr_assert_eq(v.refusals->counts[REFUSAL_WRPKRU], 2);
	cr_assert_str_eq(v.reason,
		"refused: the bytes of WRPKRU, which changes the rights to "
		"memory (wrpkru): WRPKRU at address 0x1064 in handler+0x54, "
		"WRPKRU at address 0x2007 in helper+0x7");
	free(v.refusals);
}

Test(program, three_reasons_are_told)
{
	struct engine_verdict v;

	for (size_t i = 0; i < 20; i++)
		memcpy(good.text + 100 + 4 * i, "\x0f\x01\xef", 3);
	good.phdr[GOOD_STACK].p_flags |= PF_X;
	good.sym[GOOD_WEAK].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
	memcpy(good.str + good.sym[GOOD_WEAK].st_name, "\x1b[\n", 3);
	cr_assert_eq(admit(&v), ENGINE_E_REJECTED);
	cr_assert_eq(v.refusals->n_total, 22);
	cr_assert(strstr(v.reason, "(executable-stack): program header 6"));
	cr_assert(strstr(v.reason, "X; neither the object nor the runtime "
				   "defines it (undefined-symbol): "
				   "\xef\xbf\xbd[\xef\xbf\xbd"),
		"%s", v.reason);
	cr_assert(strstr(v.reason, "(wrpkru)"), "%s", v.reason);
	cr_assert(strstr(v.reason, ", and 19 more"), "%s", v.reason);
	free(v.refusals);
}

/* Room is short: less is told, and counted as not told. */
Test(program, long_reasons)
{
	struct engine_verdict v;

	for (size_t i = 0; i < GOOD_DYNAMICS - GOOD_D_SPARE - 1; i++)
		good.dyn[GOOD_D_SPARE + i] =
			(Elf64_Dyn){.d_tag = DT_NEEDED, .d_un.d_val = 1};
	memset(good.str + 1, 1, sizeof(good.str) - 2);
	cr_assert_eq(admit(&v), ENGINE_E_REJECTED);
	cr_assert_lt(strlen(v.reason), 480);
	cr_assert(strstr(v.reason, "more"), "%s", v.reason);
	for (const char *c = v.reason; *c; c++)
		cr_assert(*c != '\x01', "%s", v.reason);
	free(v.refusals);
}

/* Read-only pages with gaps between them, behind all else. */
Test(program, too_many_pieces)
{
	enum {
		MORE = DOMAIN_PARTS_MAX
	};
	static struct {
		struct good good;
		Elf64_Phdr phdr[GOOD_HEADERS + MORE];
	} many;
	const struct engine_code code = {
		.bytes = &many, .len = sizeof(many), .entry = "handler"};
	struct engine_verdict v;

	good.ehdr.e_phoff = sizeof(good);
	good.ehdr.e_phnum = GOOD_HEADERS + MORE;
	many.good = good;
	memcpy(many.phdr, good.phdr, sizeof(good.phdr));
	for (int i = 0; i < MORE; i++)
		many.phdr[GOOD_HEADERS + i] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = PF_R,
			.p_vaddr = SPAN + (Elf64_Addr)(2 * i + 1) * GOOD_PAGE,
			.p_memsz = 1,
			.p_align = GOOD_PAGE,
		};
	cr_assert_eq(engine_native.admit(&code, &v), ENGINE_E_REJECTED);
	cr_assert_null(v.refusals, "%s", v.reason);
	cr_assert_null(v.program);
	cr_assert(strstr(v.reason, "pieces"), "%s", v.reason);
}
