/*
 * The scanner: every encoding at every alignment and border, against a slow
 * second opinion on random bytes, in pieces, and over this process.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "sandbox/scan_self.h"

enum {
	PAGE = 4096,
	SEQ_MAX = 600,
	HITS_MAX = 64,
	LEN_MAX = 8
};

struct seq {
	uint8_t bytes[LEN_MAX];
	unsigned length;
	enum scan_class class;
};

static struct seq seqs[SEQ_MAX];
static size_t n_seqs;

static struct scan_hit hits[HITS_MAX];
static size_t n_hits;

static bool note(void *arg, const struct scan_hit *hit)
{
	(void)arg;
	if (n_hits < HITS_MAX)
		hits[n_hits] = *hit;
	n_hits++;
	return true;
}

static size_t scan(const uint8_t *p, size_t n, unsigned classes)
{
	size_t counted;

	n_hits = 0;
	counted = scan_bytes(p, n, classes, note, NULL);
	cr_assert_eq(counted, n_hits);
	return n_hits;
}

static void add(enum scan_class class, const uint8_t *bytes, unsigned length)
{
	struct seq *s = &seqs[n_seqs++];

	cr_assert_lt(n_seqs, (size_t)SEQ_MAX);
	memcpy(s->bytes, bytes, length);
	s->length = length;
	s->class = class;
}

/* The sequence after 0F, and as REX2 with the two ends of its payloads. */
static void add_both(enum scan_class class, const uint8_t *tail, unsigned n)
{
	static const uint8_t leads[][2] = {{0x0f}, {0xd5, 0x80}, {0xd5, 0xff}};
	uint8_t b[LEN_MAX];

	for (unsigned i = 0; i < 3; i++) {
		unsigned lead = i ? 2 : 1;

		memcpy(b, leads[i], lead);
		memcpy(b + lead, tail, n);
		add(class, b, lead + n);
	}
}

/* All encodings, from what the instructions mean and not from the scanner. */
static void make_seqs(void)
{
	add_both(SCAN_WRPKRU, (const uint8_t[]){0x01, 0xef}, 2);
	for (unsigned mod = 0; mod < 3; mod++) {
		for (unsigned rm = 0; rm < 8; rm++) {
			uint8_t modrm = (uint8_t)(mod << 6 | 5 << 3 | rm);

			add_both(
				SCAN_XRSTOR, (const uint8_t[]){0xae, modrm}, 2);
		}
	}
	for (unsigned reg = 2; reg < 4; reg++) {
		for (unsigned rm = 0; rm < 8; rm++) {
			uint8_t modrm = (uint8_t)(3 << 6 | reg << 3 | rm);

			add_both(
				SCAN_WRBASE, (const uint8_t[]){0xae, modrm}, 2);
		}
	}
	add(SCAN_RSEQ, (const uint8_t[]){0x53, 0x30, 0x05, 0x53}, 4);
	add_both(SCAN_SYSCALL, (const uint8_t[]){0x05}, 1);
	add_both(SCAN_SYSCALL, (const uint8_t[]){0x34}, 1);
	add(SCAN_SYSCALL, (const uint8_t[]){0xcd, 0x80}, 2);
}

/* `pages` pages between two that can't be touched. */
static uint8_t *guarded(size_t pages)
{
	uint8_t *p = mmap(NULL, (pages + 2) * PAGE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq((void *)p, MAP_FAILED);
	cr_assert_eq(
		mprotect(p + PAGE, pages * PAGE, PROT_READ | PROT_WRITE), 0);
	return p + PAGE;
}

static void expect_one(const uint8_t *p, size_t n, const struct seq *s,
	size_t at, const char *where)
{
	cr_assert_eq(scan(p, n, s->class), 1, "%s: %zu hits, %02x %02x %02x",
		where, n_hits, s->bytes[0], s->bytes[1], s->bytes[2]);
	cr_assert_eq(hits[0].offset, at, "%s", where);
	cr_assert_eq(hits[0].class, s->class);
	cr_assert_eq(hits[0].length, s->length);
	cr_assert_eq(scan(p, n, ~(unsigned)s->class), 0,
		"%s: taken for another class too", where);
}

static void place(
	uint8_t *p, size_t n, const struct seq *s, size_t at, const char *where)
{
	memcpy(p + at, s->bytes, s->length);
	expect_one(p, n, s, at, where);
	memset(p + at, 0x90, s->length);
}

TestSuite(scan, .init = make_seqs, .timeout = 60);

/* Each encoding x each alignment mod 64 x across the page border x the first
 * and the last bytes of memory that ends there. */
Test(scan, each_encoding_at_each_place)
{
	uint8_t *p = guarded(2);
	size_t n = 2 * (size_t)PAGE;

	memset(p, 0x90, n);
	cr_assert_eq(scan(p, n, ~0U), 0);
	for (size_t i = 0; i < n_seqs; i++) {
		const struct seq *s = &seqs[i];

		for (size_t at = 0; at < 64; at++) {
			place(p, 128, s, at, "aligned");
			place(p, n, s, at, "first bytes");
		}
		for (size_t back = 0; back <= s->length; back++)
			place(p, n, s, PAGE - back, "page border");
		for (size_t back = s->length; back < 40; back++)
			place(p, n, s, n - back, "last bytes");
	}
}

/* Memory of any small size, ending at a page nobody may read. */
Test(scan, each_encoding_in_short_memory)
{
	uint8_t *end = guarded(1) + PAGE;

	for (size_t i = 0; i < n_seqs; i++) {
		const struct seq *s = &seqs[i];

		for (size_t n = 0; n < 48; n++) {
			memset(end - n, 0x90, n);
			cr_assert_eq(scan(end - n, n, ~0U), 0);
			if (n >= s->length)
				place(end - n, n, s, n - s->length, "short");
		}
	}
}

/* A sequence without its last byte is none, and nothing is read past it. */
Test(scan, cut_sequences_are_no_hits)
{
	uint8_t *end = guarded(1) + PAGE;

	for (size_t i = 0; i < n_seqs; i++) {
		const struct seq *s = &seqs[i];

		for (unsigned len = 1; len < s->length; len++) {
			memset(end - 64, 0x90, 64);
			memcpy(end - len, s->bytes, len);
			cr_assert_eq(scan(end - 64, 64, s->class), 0);
			cr_assert_eq(scan(end - len, len, s->class), 0);
		}
	}
}

Test(scan, prefixes_hide_nothing)
{
	static const uint8_t prefixes[] = {0xf3, 0xf2, 0x66, 0x67, 0x2e, 0x64,
		0x65, 0xf0, 0x40, 0x48, 0x4f};
	uint8_t b[32];

	for (size_t i = 0; i < n_seqs; i++) {
		for (size_t j = 0; j < sizeof(prefixes); j++) {
			memset(b, prefixes[j], sizeof(b));
			memcpy(b + 12, seqs[i].bytes, seqs[i].length);
			expect_one(b, sizeof(b), &seqs[i], 12, "prefixed");
		}
	}
}

Test(scan, neighbours_are_no_hits)
{
	static const uint8_t fine[][4] = {{0x0f, 0x01, 0xee}, /* rdpkru */
		{0x0f, 0x01, 0xf0}, {0x0f, 0xae, 0x08},	      /* fxrstor */
		{0x0f, 0xae, 0x20},			      /* xsave */
		{0x0f, 0xae, 0x38},			      /* clflush */
		{0x0f, 0xae, 0x10},			      /* ldmxcsr */
		{0x0f, 0xae, 0x18},			      /* stmxcsr */
		{0x0f, 0xae, 0xe8},			/* lfence, incssp */
		{0x0f, 0xae, 0xf0}, {0x0f, 0xae, 0xf8}, /* fences */
		{0xf3, 0x0f, 0xae, 0xc0},		/* rdfsbase */
		{0xf3, 0x0f, 0xae, 0xcf},		/* rdgsbase */
		{0x0f, 0xc7, 0x18},			/* xrstors */
		{0x0f, 0x0b}, {0xcd, 0x81}, {0xcd, 0x03}, {0xcc, 0x80},
		{0xd5, 0x7f, 0x01, 0xef}, /* map 0 */
		{0xd5, 0x7f, 0x05}, {0x53, 0x30, 0x05, 0x54},
		{0x53, 0x05, 0x30, 0x53}, {0x01, 0xef}, {0xae, 0x28}};
	uint8_t b[64];

	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		memset(b, 0x90, sizeof(b));
		memcpy(b + 20, fine[i], 4);
		cr_expect_eq(scan(b, sizeof(b), ~0U), 0, "%zu", i);
	}
}

/* The second opinion: no fast path, one comparison per line of the header. */
static enum scan_class slow(const uint8_t *p, size_t left)
{
	uint8_t b[4] = {0};
	const uint8_t *t = b + 1;

	memcpy(b, p, left < 4 ? left : 4);
	if (!memcmp(b, "\x53\x30\x05\x53", 4))
		return SCAN_RSEQ;
	if (b[0] == 0xcd && b[1] == 0x80)
		return SCAN_SYSCALL;
	if (b[0] == 0xd5 && b[1] & 0x80)
		t = b + 2;
	else if (b[0] != 0x0f)
		return 0;
	if (left < (size_t)(t - b) + 1)
		return 0;
	if (t[0] == 5 || t[0] == 0x34)
		return SCAN_SYSCALL;
	if (left < (size_t)(t - b) + 2)
		return 0;
	if (t[0] == 1 && t[1] == 0xef)
		return SCAN_WRPKRU;
	if (t[0] == 0xae && t[1] >> 6 == 3 && (t[1] >> 3 & 6) == 2)
		return SCAN_WRBASE;
	if (t[0] == 0xae && t[1] >> 6 != 3 && (t[1] >> 3 & 7) == 5)
		return SCAN_XRSTOR;
	return 0;
}

/* Bytes that matter, much more often than chance would have them. */
static void fill_biased(uint8_t *p, size_t n)
{
	static const uint8_t some[] = {0x0f, 0x0f, 0x0f, 0xae, 0xae, 0x01, 0xef,
		0xd5, 0x80, 0xcd, 0x05, 0x34, 0x53, 0x30, 0x28, 0xd0};

	for (size_t i = 0; i < n; i++)
		p[i] = rand() % 4 ? some[rand() % 16] : (uint8_t)rand();
}

static size_t count_slow(const uint8_t *p, size_t n, unsigned classes)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += (slow(p + i, n - i) & classes) != 0;
	return count;
}

static bool agree(void *arg, const struct scan_hit *hit)
{
	const uint8_t *p = arg;

	cr_assert_eq(hit->class, slow(p + hit->offset, SCAN_LONGEST));
	return true;
}

Test(scan, agrees_with_a_second_opinion)
{
	uint8_t b[777 + SCAN_LONGEST];

	srand(7);
	for (int round = 0; round < 3000; round++) {
		size_t n = (size_t)(rand() % 777);
		unsigned classes = 1U + (unsigned)rand() % 31;

		fill_biased(b, sizeof(b));
		cr_assert_eq(scan_bytes(b, n, classes, agree, b),
			count_slow(b, n, classes));
	}
}

/* In pieces of any size, the same hits as in one. */
Test(scan, pieces_make_no_difference)
{
	uint8_t b[200];

	srand(11);
	for (int round = 0; round < 3000; round++) {
		struct scan_hit whole[HITS_MAX * 4];
		size_t counted = 0;
		struct scan s;
		size_t n;

		fill_biased(b, sizeof(b));
		n = scan(b, sizeof(b), ~0U);
		cr_assert_leq(n, (size_t)HITS_MAX * 4);
		memcpy(whole, hits, sizeof(hits));
		n_hits = 0;
		scan_init(&s, 0, ~0U, note, NULL);
		for (size_t at = 0, len; at < sizeof(b); at += len) {
			len = (size_t)(rand() % (round % 30 + 2));
			if (len > sizeof(b) - at)
				len = sizeof(b) - at;
			counted += scan_next(&s, b + at, len);
		}
		cr_assert_eq(n_hits, n);
		cr_assert_eq(counted, n);
		for (size_t i = 0; i < n && i < HITS_MAX; i++) {
			cr_assert_eq(hits[i].offset, whole[i].offset);
			cr_assert_eq(hits[i].class, whole[i].class);
		}
	}
}

static bool stop_at_once(void *arg, const struct scan_hit *hit)
{
	(void)hit;
	++*(int *)arg;
	return false;
}

Test(scan, false_ends_it)
{
	uint8_t b[300];
	int told = 0;

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = i % 2 ? 0x05 : 0x0f;
	cr_assert_eq(scan_bytes(b, sizeof(b), ~0U, stop_at_once, &told), 1);
	cr_assert_eq(told, 1);
	cr_assert_eq(scan_bytes(b, sizeof(b), ~0U, NULL, NULL), 150);
}

/* This process. */

static uint64_t seen[256];
static size_t n_seen;
static char seen_name[SCAN_MAP_NAME];

static bool see(
	void *arg, const struct scan_hit *hit, const struct scan_map *map)
{
	(void)arg;
	if (n_seen < 256)
		seen[n_seen++] = hit->offset;
	memcpy(seen_name, map->name, sizeof(seen_name));
	cr_assert_geq(hit->offset + hit->length, map->start);
	cr_assert_leq(hit->offset + hit->length, map->end);
	return true;
}

static bool was_seen(const void *p)
{
	for (size_t i = 0; i < n_seen; i++) {
		if (seen[i] == (uintptr_t)p)
			return true;
	}
	return false;
}

static struct scan_self_sum scan_me(unsigned classes)
{
	struct scan_self_sum sum;

	n_seen = 0;
	cr_assert_eq(scan_self(classes, see, NULL, &sum), 0);
	return sum;
}

Test(scan, self_sees_new_code)
{
	uint8_t *p = guarded(1);
	size_t before;

	before = scan_me(SCAN_WRPKRU).n_hits;
	memcpy(p + PAGE - 3, "\x0f\x01\xef", 3);
	cr_assert_eq(scan_me(SCAN_WRPKRU).n_hits, before, "data is no code");
	cr_assert_eq(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
	cr_assert_eq(scan_me(SCAN_WRPKRU).n_hits, before + 1);
	cr_assert(was_seen(p + PAGE - 3));
}

/* First half at the end of one mapping, second half at the start of the next.
 * Their rights differ, else the kernel would make them one. */
Test(scan, self_sees_across_mappings)
{
	uint8_t *p = guarded(2);

	memcpy(p + PAGE - 2, "\x0f\x01\xef", 3);
	cr_assert_eq(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
	(void)scan_me(SCAN_WRPKRU);
	cr_assert(!was_seen(p + PAGE - 2), "the second half is data");
	cr_assert_eq(
		mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC),
		0);
	(void)scan_me(SCAN_WRPKRU);
	cr_assert(was_seen(p + PAGE - 2));
}

Test(scan, self_includes_the_vdso)
{
	const uint8_t *vdso = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	struct scan_self_sum sum = scan_me(SCAN_SYSCALL);
	bool found = false;

	for (size_t i = 0; i < n_seen; i++)
		found |= seen[i] > (uintptr_t)vdso &&
			 seen[i] < (uintptr_t)vdso + 16 * PAGE;
	cr_assert(found || n_seen == 256, "the vdso makes system calls");
	cr_assert_gt(sum.n_maps, 1);
	cr_assert_gt(sum.n_bytes, (uint64_t)PAGE);
}

Test(scan, self_refuses_what_it_cannot_read)
{
	uint8_t *p = guarded(1);
	struct scan_self_sum sum;

	cr_assert_eq(mprotect(p, PAGE, PROT_EXEC), 0);
	cr_assert_eq(scan_self(SCAN_RIGHTS, see, NULL, &sum), -EACCES);
}
