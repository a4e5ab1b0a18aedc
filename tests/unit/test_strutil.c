/* Names, numbers, Base64, digests. */
#include <criterion/criterion.h>
#include <string.h>

#include "util/base64.h"
#include "util/digest.h"
#include "util/strutil.h"

static bool parses(const char *s, uint64_t want)
{
	uint64_t v = 99;

	return str_parse_u64(slice_of(s), 0, UINT64_MAX, &v) && v == want;
}

Test(strutil, numbers)
{
	uint64_t v = 5;

	cr_assert(parses("0", 0));
	cr_assert(parses("007", 7));
	cr_assert(parses("18446744073709551615", UINT64_MAX));
	cr_assert_not(str_parse_u64(
		slice_of("18446744073709551616"), 0, UINT64_MAX, &v));
	cr_assert_not(str_parse_u64(
		slice_of("99999999999999999999999"), 0, UINT64_MAX, &v));
	static const char *const bad[] = {
		"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "a"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(
			str_parse_u64(slice_of(bad[i]), 0, UINT64_MAX, &v));
	cr_assert(str_parse_u64(slice_of("10"), 10, 20, &v));
	cr_assert(str_parse_u64(slice_of("20"), 10, 20, &v));
	v = 5;
	cr_assert_not(str_parse_u64(slice_of("9"), 10, 20, &v));
	cr_assert_not(str_parse_u64(slice_of("21"), 10, 20, &v));
	cr_assert_eq(v, 5);
}

Test(strutil, names)
{
	char name[65];

	memset(name, 'a', 64);
	name[64] = '\0';
	cr_assert_not(str_is_name(slice_of(name)));
	name[63] = '\0';
	cr_assert(str_is_name(slice_of(name)));
	static const char *const good[] = {"a", "0", "a.b-c_d", "a-", "a.."};
	static const char *const bad[] = {"", ".", "..", "-a", "_a", "A", "a/b",
		"a b", "\xc3\xa9", "a\n"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_assert(str_is_name(slice_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(str_is_name(slice_of(bad[i])), "%s", bad[i]);
	cr_assert_not(str_is_name((struct slice){"a\0b", 3}));
}

Test(strutil, slices)
{
	cr_assert(slice_is(slice_of("abc"), "abc"));
	cr_assert_not(slice_is(slice_of("abc"), "ab"));
	cr_assert_not(slice_is(slice_of("ab"), "abc"));
	cr_assert(slice_is((struct slice){NULL, 0}, ""));
	cr_assert(slice_is_nocase(slice_of("Keep-ALIVE"), "keep-alive"));
	cr_assert_not(slice_is_nocase(slice_of("keep"), "keep-alive"));
	cr_assert_not(slice_is_nocase(slice_of("keep-alive"), "keep"));
}

Test(strutil, nearest)
{
	static const char *const keys[] = {
		"listen", "memory_mb", "timeout_ms", "cpu_ms"};

	cr_assert_str_eq(str_nearest(slice_of("lisen"), keys, 4), "listen");
	cr_assert_str_eq(str_nearest(slice_of("memory"), keys, 4), "memory_mb");
	cr_assert_str_eq(
		str_nearest(slice_of("timeoutms"), keys, 4), "timeout_ms");
	cr_assert_null(str_nearest(slice_of("zzzzzz"), keys, 4));
	cr_assert_null(str_nearest(slice_of("x"), keys, 0));
}

Test(strutil, hex)
{
	char text[9];

	str_hex("\x00\x9f\xff\x1a", 4, text);
	cr_assert_str_eq(text, "009fff1a");
	cr_assert_eq(str_hex_digit('f'), 15);
	cr_assert_eq(str_hex_digit('A'), 10);
	cr_assert_eq(str_hex_digit('g'), -1);
	cr_assert_eq(str_hex_digit('/'), -1);
}

static void decodes(const char *text, const char *want, size_t n)
{
	char got[64];
	size_t len;

	cr_assert(base64_decode(text, strlen(text), got, &len), "%s", text);
	cr_assert_eq(len, n);
	cr_assert(memcmp(got, want, n) == 0);
}

Test(base64, decode)
{
	static const char *const bad[] = {"Zg",
		"Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n",
		"Zm 9v", "Zm-v", "Z=g=", "Zg==Zg==", "=", "\xff\xff\xff\xff"};
	char got[64];
	size_t len;

	decodes("", "", 0);
	decodes("Zg==", "f", 1);
	decodes("Zm8=", "fo", 2);
	decodes("Zm9v", "foo", 3);
	decodes("Zm9vYmFy", "foobar", 6);
	decodes("AP+/", "\0\xff\xbf", 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(base64_decode(bad[i], strlen(bad[i]), got, &len),
			"%s", bad[i]);
}

Test(base64, round_trip_in_place)
{
	unsigned char in[61], text[128];
	size_t len;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 37);
	for (size_t n = 0; n <= sizeof(in); n++) {
		base64_encode(in, n, (char *)text);
		cr_assert(base64_decode(
			(char *)text, BASE64_ENCODED_LEN(n), text, &len));
		cr_assert_eq(len, n);
		cr_assert(memcmp(text, in, n) == 0);
	}
}

Test(digest, published_vector)
{
	char hex[DIGEST_HEX];

	digest_sha256("abc", 3, hex);
	cr_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223"
			      "b00361a396177a9cb410ff61f20015ad");
}
