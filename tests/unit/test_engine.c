/* engine/engine.c, the outside half of engine/lua.c, random_in and libc_in. */
#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/engine.h"
#include "engine/libc_in.h"
#include "engine/random_in.h"

/* Linked with what would call it, but never called here. */
uint64_t gate_hostcall(
	uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	(void)nr, (void)a, (void)b, (void)c, (void)d;
	abort();
}

static const struct engine other = {.name = "x", .media_type = "text/x"};
static const struct engine *const list[] = {&engine_lua, &other, NULL};

static const struct engine *by_type(const char *type)
{
	return engine_by_media_type(type, strlen(type));
}

Test(engine, none)
{
	cr_assert_null(engine_at(0));
	cr_assert_null(engine_by_name("lua"));
	cr_assert_null(by_type("text/x-lua"));
}

Test(engine, find)
{
	engines_set(list);
	cr_assert_eq(engine_at(0), &engine_lua);
	cr_assert_eq(engine_at(1), &other);
	cr_assert_null(engine_at(2));
	cr_assert_null(engine_at(SIZE_MAX));
	cr_assert_eq(engine_by_name("lua"), &engine_lua);
	cr_assert_null(engine_by_name("Lua"));
	cr_assert_null(engine_by_name(""));
	cr_assert_eq(by_type("text/x-lua"), &engine_lua);
	cr_assert_eq(by_type(" Text/X-Lua ; charset=utf-8"), &engine_lua);
	cr_assert_eq(by_type("text/x;"), &other);
	cr_assert_eq(engine_by_media_type("text/xyz", 6), &other);
	cr_assert_null(by_type("text/x-lu"));
	cr_assert_null(by_type("text/x-luaa"));
	cr_assert_null(by_type(""));
	cr_assert_null(by_type(";"));
}

static int admit_lua(const char *text, size_t len, struct engine_verdict *ret)
{
	const struct engine_code code = {.bytes = text, .len = len};

	return engine_lua.admit(&code, ret);
}

Test(engine, admit_lua)
{
	struct engine_verdict v;

	cr_assert_eq(admit_lua("return 1", 8, &v), 0);
	cr_assert_str_eq(v.reason, "");
	cr_assert_null(v.program);
	cr_assert_eq(admit_lua("", 0, &v), ENGINE_E_REJECTED);
	cr_assert_str_eq(v.reason, "the code is empty");
	cr_assert_eq(admit_lua("\x1bLuaT", 5, &v), ENGINE_E_REJECTED);
	cr_assert(strstr(v.reason, "compiled Lua"));
	cr_assert_null(v.refusals);
	cr_assert(engine_lua.memory_safe);
}

/* The block function against RFC 8439, 2.3.2 is out of reach (its nonce is not
 * zero); the all-zero vector of the same RFC, A.1 #1 and #2, is not. */
Test(engine, chacha20)
{
	static const unsigned char second_half[8] = {
		0xda, 0x41, 0x59, 0x7c, 0x51, 0x57, 0x48, 0x8d};
	static const unsigned char block1[8] = {
		0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a};
	uint8_t zero[RANDOM_IN_KEY] = {0};
	unsigned char got[96];
	struct random_in r;

	random_in_init(&r, zero);
	random_in_bytes(&r, got, sizeof(got));
	cr_assert_eq(memcmp(got, second_half, 8), 0);
	cr_assert_eq(memcmp(got + 32, block1, 8), 0);
}

Test(engine, random_forgets)
{
	uint8_t seed[RANDOM_IN_KEY] = {1};
	unsigned char got[40];
	struct random_in r;

	random_in_init(&r, seed);
	random_in_bytes(&r, got, sizeof(got));
	for (size_t i = 0; i + 8 <= sizeof(r); i++)
		cr_assert_neq(memcmp((char *)&r + i, got, 8), 0);
}

Test(engine, random_bounds)
{
	uint8_t seed[RANDOM_IN_KEY] = {2};
	unsigned seen[5] = {0};
	struct random_in r;

	random_in_init(&r, seed);
	for (int i = 0; i < 5000; i++) {
		uint64_t x = random_in_upto(&r, 4);

		cr_assert_leq(x, 4);
		seen[x]++;
	}
	for (int i = 0; i < 5; i++)
		cr_assert(seen[i] > 800 && seen[i] < 1200);
	cr_assert_eq(random_in_upto(&r, 0), 0);
	cr_assert_neq(random_in_upto(&r, UINT64_MAX), 0);
}

/* Outside the program's own time() and clock() are the real ones. */
Test(engine, libc)
{
	struct timespec ts;
	time_t t = 0;
	clock_t c;

	clock_gettime(CLOCK_REALTIME, &ts);
	cr_assert(time(&t) - ts.tv_sec <= 1);
	cr_assert(t - ts.tv_sec <= 1 && t >= ts.tv_sec);
	c = clock();
	cr_assert(c >= 0 && c < 60 * CLOCKS_PER_SEC);
	cr_assert_str_eq(localeconv()->decimal_point, ".");
	cr_assert_str_eq(localeconv()->thousands_sep, "");

	libc_in_start(12345);
	cr_assert_neq(time(NULL), time(NULL));
	cr_assert_neq(clock(), clock());
}
