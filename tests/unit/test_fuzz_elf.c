/*
 * The seeds of the fuzzer of admission, and some thousand changes to each, by
 * what the fuzzer checks. The seeds' names say what comes of them.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/admit.h"
#include "fuzz_corpus.h"

enum {
	SEED_MAX = 65536,
	CHANGED = 4000 /* variants of each seed */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t bytes[SEED_MAX];

/* From memory of just this size. */
static void run(const uint8_t *p, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	cr_assert_not_null(exact);
	memcpy(exact, p, len);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static size_t load(const char *name)
{
	char path[4096];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", GV_CORPUS_ELF, name);
	f = fopen(path, "rbe");
	cr_assert_not_null(f, "%s", path);
	len = fread(bytes, 1, sizeof(bytes), f);
	cr_assert(feof(f), "%s is too long", name);
	(void)fclose(f);
	return len;
}

/* "good-..." is admitted; any other is named after a reason, which it has. */
static void expect(const char *name, size_t len)
{
	const struct admit_wish wish = {.entry = "handler"};
	struct admit *a;
	bool found = false;

	cr_assert_eq(admit_new(bytes, len, &wish, &a), 0);
	for (int c = 0; c < N_REFUSALS; c++)
		found |= a->refusals.counts[c] &&
			 strncmp(name, refusal_name(c),
				 strlen(refusal_name(c))) == 0;
	cr_expect_eq(admit_ok(a), strncmp(name, "good-", 5) == 0, "%s", name);
	cr_expect(found || admit_ok(a), "%s", name);
	(void)admit_free(a);
}

/* Bytes, words and length of tables, where they count: at the beginning more
 * often than elsewhere. */
static void change(uint8_t *p, size_t len)
{
	static const uint64_t words[] = {0, 1, 7, 8, 0x1000, 0x7fffffff,
		0xffffffff, 1ULL << 63, UINT64_MAX, UINT64_MAX - 7};

	for (int n = 1 + rand() % 3; n > 0; n--) {
		size_t end = rand() % 2 && len > 1024 ? 1024 : len;
		size_t at = (size_t)rand() % end;

		if (rand() % 3 == 0 && at + 8 <= len)
			memcpy(p + (at & ~(size_t)7),
				&words[(unsigned)rand() % 10], 8);
		else
			p[at] = (uint8_t)rand();
	}
}

static void run_changed(size_t len)
{
	static uint8_t changed[SEED_MAX];

	for (int i = 0; i < CHANGED; i++) {
		memcpy(changed, bytes, len);
		change(changed, len);
		run(changed, i % 16 ? len : (size_t)rand() % (len + 1));
	}
}

Test(fuzz_elf, seeds, .timeout = 110)
{
	DIR *d = opendir(GV_CORPUS_ELF);
	struct dirent *e;
	int n = 0;

	cr_assert_not_null(d);
	srand(3);
	while ((e = readdir(d))) {
		size_t len;

		if (e->d_name[0] == '.')
			continue;
		len = load(e->d_name);
		expect(e->d_name, len);
		run(bytes, len);
		run_changed(len);
		n++;
	}
	(void)closedir(d);
	cr_assert_gt(n, 5);
}
