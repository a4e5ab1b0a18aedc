/*
 * What native code may call: the table, and our versions of what the C library
 * has (native_libc_in.h, native_chk_in.h) against the library's.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/exports.h"
#include "engine/json_check_in.h"
#include "engine/native_chk_in.h"
#include "engine/native_in.h"
#include "engine/native_libc_in.h"

/* Where an end ends. */
uint64_t gate_hostcall(
	uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	(void)b;
	(void)c;
	(void)d;
	if (nr == INSIDE_FAIL && a == INSIDE_FAIL_DIED)
		raise(SIGUSR1);
	return 0;
}

static struct inside inside;
static struct native_in me = {.in = &inside, .rand = 1};

static void start(size_t heap)
{
	me.heap = heap_in_init(aligned_alloc(16, heap), heap);
	native_now = &me;
}

/* The table ----------------------------------------------------------------*/

Test(native_libc, exports)
{
	size_t n = 0;

	for (; exports_native[n]; n++) {
		const char *name = exports_native[n];

		if (n > 0)
			cr_assert_lt(strcmp(exports_native[n - 1], name), 0,
				"%s is out of order", name);
		cr_assert_not_null(exports_address[n], "%s", name);
		cr_assert_eq(exports_find(exports_native, name), (int)n);
		cr_assert(exports_have(exports_native, name));
	}
	cr_assert_gt(n, 300);
	cr_assert_eq(exports_find(exports_native, ""), -1);
	cr_assert_eq(exports_find(exports_native, "mem"), -1);
	cr_assert_eq(exports_find(exports_native, "memcpyx"), -1);
	cr_assert_eq(exports_find(exports_native, "zzz"), -1);
	cr_assert_eq(exports_find(exports_native, "puts"), -1);
}

/* Another list than the program's, which need not be as long. */
Test(native_libc, other_lists)
{
	static const char *const none[] = {NULL}, *const two[] = {
							  "a", "c", NULL};

	cr_assert_eq(exports_find(none, "a"), -1);
	cr_assert_eq(exports_find(two, "a"), 0);
	cr_assert_eq(exports_find(two, "b"), -1);
	cr_assert_eq(exports_find(two, "c"), 1);
	cr_assert_eq(exports_find(two, "d"), -1);
}

/* Sorting ------------------------------------------------------------------*/

struct item {
	int key;
	int place;
	char more[];
};

static int by_key(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static int no_order(const void *a, const void *b)
{
	(void)a;
	(void)b;
	return native_rand() % 3 - 1;
}

static void check_sort(size_t n, size_t size, int keys, bool stable)
{
	char *all = calloc(n + 1, size);
	struct item *it, *before = NULL;
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		it = (struct item *)(void *)(all + i * size);
		it->key = native_rand() % keys;
		it->place = (int)i;
		memset(it->more, it->key, size - sizeof(*it));
		sum += (uint64_t)it->key * 31 + (uint64_t)it->place;
	}
	native_qsort(all, n, size, by_key);
	for (size_t i = 0; i < n; i++) {
		it = (struct item *)(void *)(all + i * size);
		for (size_t k = 0; k < size - sizeof(*it); k++)
			cr_assert_eq(it->more[k], (char)it->key);
		if (before) {
			cr_assert_leq(before->key, it->key);
			cr_assert(!stable || before->key < it->key ||
				  before->place < it->place);
		}
		before = it;
		sum -= (uint64_t)it->key * 31 + (uint64_t)it->place;
	}
	cr_assert_eq(sum, 0);
	for (size_t k = 0; k < size; k++)
		cr_assert_eq(all[n * size + k], 0);
	free(all);
}

Test(native_libc, qsort)
{
	start(1 << 20);
	for (size_t n = 0; n < 70; n++)
		for (size_t size = 8; size <= 128; size += 4)
			check_sort(n, size, 20, true);
	check_sort(20000, 8, 1000000, true);
	check_sort(20000, 8, 2, true);
	check_sort(20000, 12, 1000, true);
}

Test(native_libc, qsort_without_memory)
{
	start(2048);
	for (size_t n = 0; n < 300; n++)
		for (size_t size = 8; size <= 128; size += 24)
			check_sort(n, size, 20, false);
}

Test(native_libc, qsort_of_what_has_no_order)
{
	int *all = calloc(5001, sizeof(*all));

	start(1 << 20);
	for (int i = 0; i < 100; i++)
		native_qsort(all, 5000, sizeof(*all), no_order);
	start(2048);
	native_qsort(all, 5000, sizeof(*all), no_order);
	cr_assert_eq(all[5000], 0);
	native_qsort(all, 5000, 0, no_order);
	native_qsort(all, SIZE_MAX, SIZE_MAX, no_order);
	free(all);
}

/* Printing -----------------------------------------------------------------*/

__attribute__((format(printf, 1, 2))) static void same(const char *format, ...)
{
	char ours[4096], theirs[4096];
	va_list ap, again;
	int n, m;

	va_start(ap, format);
	va_copy(again, ap);
	n = native_vsnprintf(ours, sizeof(ours), format, ap);
	m = vsnprintf(theirs, sizeof(theirs), format, again);
	va_end(again);
	va_end(ap);
	cr_assert_eq(n, m);
	cr_assert_str_eq(ours, theirs);
}

Test(native_libc, printf)
{
	same("plain");
	same("%d %i %u %x %X %o %c|%%|%5d|%-5d|%05d|%+d|% d|%#x", 1, -2, 3u, 4u,
		5u, 6u, 'c', 7, 8, 9, 10, 11, 12u);
	same("%hhd %hd %ld %lld %jd %zd %td %zu", (signed char)1, (short)2, 3l,
		4ll, (intmax_t)5, (ssize_t)6, (ptrdiff_t)7, (size_t)8);
	same("%s %.2s %10s %-10s| %*s %.*s %p", "a", "bcd", "e", "f", 7, "g", 3,
		"hijkl", (void *)same);
	same("%f %.3f %e %g %a %Lf %*.*f %F %G %E", 1.5, 2.25, 3e10, 4e-9, 5.0,
		6.5l, 12, 3, 7.125, 8.0, 9.0, 1e300);
	same("%.900f|%900d|%-900s|%f", 1.0 / 3, 5, "x", 1e308);
}

__attribute__((format(printf, 1, 2))) static void refused(
	const char *format, ...)
{
	char text[16] = "as it was";
	va_list ap;

	errno = 0;
	va_start(ap, format);
	cr_assert_eq(native_vsnprintf(text, sizeof(text), format, ap), -1);
	va_end(ap);
	cr_assert_eq(errno, EINVAL);
	cr_assert_str_eq(text, "");
	text[0] = 'x';
	va_start(ap, format);
	cr_assert_eq(native_vsnprintf(text, 0, format, ap), -1);
	va_end(ap);
	cr_assert_str_eq(text, "xs it was");
}

Test(native_libc, printf_refuses)
{
	int n = 5;

	refused("%901d", 1);
	refused("%.901f", 1.0);
	refused("%*d", 901, 1);
	refused("%*d", -901, 1);
	refused("%.*s", 1000, "a");
	refused("%d %n", 1, &n);
	refused("%m");
	refused("%1$d", 1);
	refused("%1$*2$d", 1, 1);
	refused("%ls", L"a");
	refused("%lc", L'a');
	cr_assert_eq(n, 5);
}

/* No compiler would let these pass. */
Test(native_libc, printf_refuses_nonsense)
{
	static const char *const formats[] = {"%", "%5", "%l", "%-", "%.", "%y",
		"%.*", "100%", "%99999999999999999999d", "%*5d", "%5*d"};
	char text[16];

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		const char *volatile format = formats[i];
		int (*volatile print)(char *, size_t, const char *, ...) =
			native_snprintf;

		cr_assert_eq(print(text, sizeof(text), format, 1, 1), -1, "%s",
			format);
	}
}

Test(native_libc, asprintf)
{
	char *s;

	start(1 << 16);
	cr_assert_eq(native_asprintf(&s, "%s-%d", "abc", 5), 5);
	cr_assert_str_eq(s, "abc-5");
	native_free(s);
	cr_assert_eq(native_asprintf(&s, "%901d", 5), -1);
	start(1024);
	cr_assert_eq(native_asprintf(&s, "%900d", 5), -1);
	s = native_strndup("abcdef", 3);
	cr_assert_str_eq(s, "abc");
	native_free(s);
	s = native_strdup("abcdef");
	cr_assert_str_eq(s, "abcdef");
	cr_assert_str_eq(native_strerror(ENOENT), strerror(ENOENT));
	cr_assert_str_eq(native_strerror(9999), "Unknown error 9999");
	cr_assert_str_eq(native_strtok(s, "c"), "ab");
	cr_assert_str_eq(native_strtok(NULL, "c"), "def");
	cr_assert_null(native_strtok(NULL, "c"));
}

/* Fortified ----------------------------------------------------------------*/

Test(native_libc, chk_fits)
{
	char s[16];

	cr_assert_eq(native_memcpy_chk(s, "abc", 4, 4), s);
	cr_assert_str_eq(native_strcat_chk(s, "def", 7), "abcdef");
	cr_assert_str_eq(native_strncat_chk(s, "ghi", 2, 9), "abcdefgh");
	cr_assert_eq(native_stpcpy_chk(s, "xyz", 4), s + 3);
	cr_assert_str_eq(native_strcpy_chk(s, "xyz", 4), "xyz");
	cr_assert_eq(native_mempcpy_chk(s, "xyz", 4, SIZE_MAX), s + 4);
	cr_assert_eq(native_sprintf_chk(s, 1, 4, "%d", 123), 3);
	cr_assert_eq(native_snprintf_chk(s, 4, 1, 4, "%d", 12345), 5);
	cr_assert_str_eq(s, "123");
	cr_assert_eq(native_sprintf_chk(s, 1, SIZE_MAX, "%d", 5), 1);
	memset(s, 'x', sizeof(s));
	(void)native_strncpy_chk(s, "a", 4, 4);
	cr_assert_eq(memcmp(s, "a\0\0\0x", 5), 0);
}

#define DIES(name, ...)                                                        \
	Test(native_libc, chk_dies_##name, .signal = SIGUSR1)                  \
	{                                                                      \
		char s[16] = "abc";                                            \
		start(1024);                                                   \
		(void)(__VA_ARGS__);                                           \
	}

DIES(memcpy, native_memcpy_chk(s, "abc", 4, 3))
DIES(memmove, native_memmove_chk(s, "abc", 4, 3))
DIES(mempcpy, native_mempcpy_chk(s, "abc", 4, 3))
DIES(memset, native_memset_chk(s, 0, 4, 3))
DIES(strcpy, native_strcpy_chk(s, "abc", 3))
DIES(stpcpy, native_stpcpy_chk(s, "abc", 3))
DIES(strncpy, native_strncpy_chk(s, "abc", 4, 3))
DIES(stpncpy, native_stpncpy_chk(s, "abc", 4, 3))
DIES(strcat, native_strcat_chk(s, "abc", 6))
DIES(strncat, native_strncat_chk(s, "abc", 3, 6))
DIES(snprintf, native_snprintf_chk(s, 4, 1, 3, "a"))
DIES(sprintf, native_sprintf_chk(s, 1, 3, "%s", "abc"))

/* JSON ---------------------------------------------------------------------*/

static bool json_was_deep;

static size_t json_end(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	struct json_check_in_fault fault = {.at = SIZE_MAX};
	bool good;

	/* At the end of its memory, for sanitizers. */
	memcpy(copy, text, len);
	good = json_check_in(copy, len, &fault);
	cr_assert_eq(good, fault.at == SIZE_MAX);
	cr_assert(good || fault.at <= len, "%s", text);
	json_was_deep = fault.deep;
	free(copy);
	return fault.at;
}

static bool json_good(const char *text)
{
	return json_end(text, strlen(text)) == SIZE_MAX;
}

Test(native_libc, json_good)
{
	static const char *const texts[] = {"1", "-0", "0.5e-7", "1E+9", "true",
		"false", "null", "\"\"", "[]", "{}", " [ ] ", "\t{\n}\r",
		"[1,[2,[]],{}]", "{\"a\":1,\"b\":{\"c\":[null]}}",
		"\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
		"\"plain text that is longer than one vector, by far\"",
		"\"grün 漢字 😀 and then more of it to fill a vector\"",
		"[\"0123456789abcdef\",\"0123456789abcde\\n\"]", "\"\x7f\""};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		cr_assert(json_good(texts[i]), "%s", texts[i]);
		/* Nothing but numbers can be cut. */
		for (size_t n = 0; n < strlen(texts[i]); n++)
			if (strchr("[{\"tfn", texts[i][0]))
				cr_assert_neq(json_end(texts[i], n), SIZE_MAX);
	}
}

Test(native_libc, json_bad)
{
	static const char *const texts[] = {"", " ", "01", "-", "-a", "+1",
		".5", "1.", "1.e5", "1e", "1e+", "0x1", "truE", "tru", "nulls",
		"'a'", "\"", "\"\\\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u123\"",
		"\"a\nb\"", "\"0123456789abcdef\n\"", "\"\xc3\"",
		"\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\xff\"", "[", "]", "[1",
		"[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", "}", "{\"a\"}",
		"{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "{\"a\" 1}",
		"{\"a\":1]", "1 2", "[] []", "{}x", "NaN", "Infinity",
		"\xef\xbb\xbf\x31"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		cr_assert(!json_good(texts[i]), "%s", texts[i]);
	cr_assert_eq(json_end("1\0", 2), 1);
	cr_assert_eq(json_end("\"\\\0\"", 4), 2);
	cr_assert_eq(json_end("[1, x]", 6), 4);
}

Test(native_libc, json_depth)
{
	char text[2 * JSON_CHECK_IN_DEPTH + 4];
	const size_t n = JSON_CHECK_IN_DEPTH;

	memset(text, '[', n);
	memset(text + n, ']', n);
	cr_assert_eq(json_end(text, 2 * n), SIZE_MAX);
	memset(text, '[', n + 1);
	memset(text + n + 1, ']', n + 1);
	cr_assert_eq(json_end(text, 2 * n + 2), n);
	cr_assert(json_was_deep);
	memset(text, '{', n + 1);
	cr_assert_eq(json_end(text, n + 1), 1);
	cr_assert(!json_was_deep);
	for (size_t i = 0; i < n; i++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		text[n + i] = '}';
		cr_assert_eq(json_end(text, 2 * n), n + i);
	}
}

static size_t utf8_end(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	size_t at = SIZE_MAX;

	memcpy(copy, text, len);
	cr_assert_eq(utf8_check_in(copy, len, &at), at == SIZE_MAX);
	free(copy);
	return at;
}

Test(native_libc, utf8)
{
	static const char *const bad[] = {"\x80", "\xff", "\xc0\x80", "\xc3",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"};
	static const char good[] = "grün 漢字 😀";
	char text[64];

	cr_assert_eq(utf8_end("", 0), SIZE_MAX);
	cr_assert_eq(utf8_end("a\0\x1b", 3), SIZE_MAX);
	for (size_t n = 0; n < 40; n++) {
		memset(text, 'x', sizeof(text));
		memcpy(text + n, good, sizeof(good) - 1);
		cr_assert_eq(utf8_end(text, n + sizeof(good) - 1), SIZE_MAX);
		cr_assert_eq(utf8_end(text, sizeof(text)), SIZE_MAX);
		cr_assert_eq(utf8_end(text, n + sizeof(good) - 2),
			n + sizeof(good) - 5);
		for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
			memset(text, 'x', sizeof(text));
			memcpy(text + n, bad[i], strlen(bad[i]));
			cr_assert_eq(utf8_end(text, sizeof(text)), n);
		}
	}
}
