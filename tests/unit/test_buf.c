/* The bounded and the growing append buffer. */
#include <criterion/criterion.h>

#include "util/gbuf.h"

static void is(struct buf *b, const char *text)
{
	cr_assert_eq(b->len, strlen(text), "%.*s", (int)b->len, b->ptr);
	cr_assert(
		memcmp(b->ptr, text, b->len) == 0, "%.*s", (int)b->len, b->ptr);
}

Test(buf, appends)
{
	char mem[128];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_add_lit(&b, "a=");
	buf_add_u64(&b, 0);
	buf_add_char(&b, ' ');
	buf_add_u64(&b, UINT64_MAX);
	buf_add_char(&b, ' ');
	buf_add_i64(&b, INT64_MIN);
	buf_add_char(&b, ' ');
	buf_add_hex(&b, 0xdeadbeef);
	buf_add_hex(&b, 0);
	buf_add_char(&b, ' ');
	buf_add_pad(&b, 7, 3);
	buf_addf(&b, " %s-%d", "x", -5);
	is(&b, "a=0 18446744073709551615 -9223372036854775808 deadbeef0 007 "
	       "x--5");
	cr_assert(buf_ok(&b));
}

Test(buf, exact_fit_and_one_more)
{
	char mem[9] = "........!";
	struct buf b;

	buf_init(&b, mem, 8);
	buf_add(&b, "12345678", 8);
	cr_assert(buf_ok(&b));
	is(&b, "12345678");
	buf_add_char(&b, '9');
	cr_assert_not(buf_ok(&b));
	is(&b, "12345678");
	cr_assert_eq(mem[8], '!');
}

Test(buf, overflow_sticks_and_keeps_what_was)
{
	char mem[8];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_add_str(&b, "abc");
	buf_add_str(&b, "too long for it");
	buf_add_str(&b, "d");
	is(&b, "abc");
	cr_assert_not(buf_ok(&b));
	cr_assert_null(buf_reserve(&b, 100));
}

Test(buf, addf_overflow)
{
	char mem[8];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_addf(&b, "%s", "1234567");
	cr_assert(buf_ok(&b));
	buf_addf(&b, "%d", 1); /* a digit and the NUL do not fit */
	cr_assert_not(buf_ok(&b));
	is(&b, "1234567");
}

Test(buf, cstr)
{
	char mem[4];
	struct buf b;

	buf_init(&b, mem, sizeof(mem));
	buf_add_str(&b, "abc");
	cr_assert_str_eq(buf_cstr(&b), "abc");
	buf_add_char(&b, 'd');
	cr_assert_null(buf_cstr(&b));
}

Test(buf, empty_appends_to_nothing)
{
	struct buf b;

	buf_init(&b, NULL, 0);
	buf_add(&b, NULL, 0);
	cr_assert(buf_ok(&b));
	buf_add_char(&b, 'x');
	cr_assert_not(buf_ok(&b));
}

Test(gbuf, grows_and_is_stolen)
{
	struct buf b;
	size_t len;
	char *p;

	gbuf_init(&b);
	for (int i = 0; i < 100000; i++)
		buf_addf(&b, "%06d,", i);
	cr_assert(buf_ok(&b));
	p = gbuf_steal(&b, &len);
	cr_assert_not_null(p);
	cr_assert_eq(len, 700000);
	cr_assert_eq(strlen(p), len);
	cr_assert(strncmp(p + 7 * 54321, "054321,", 7) == 0);
	cr_assert_eq(b.len, 0);
	free(p);
	p = gbuf_steal(&b, &len);
	cr_assert_str_eq(p, "");
	free(p);
}

Test(gbuf, refuses_past_its_limit)
{
	struct buf b;
	size_t len;

	gbuf_init(&b);
	buf_add_str(&b, "x");
	cr_assert_null(buf_reserve(&b, (size_t)256 << 20));
	cr_assert_not(buf_ok(&b));
	cr_assert_null(gbuf_steal(&b, &len));
	cr_assert_null(b.ptr);
}
