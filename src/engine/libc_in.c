/*
 * The program's own versions of the C library functions that Lua calls and that
 * would fault in an isolate, where the library's writable data and the vdso's
 * clock page cannot be touched. The static link takes these for the whole
 * program, so they serve outside as well.
 *
 * Lua asks for the time to make hash seeds, and for time and processor time to
 * choose pivots in large sorts: all it wants is numbers hard to predict, and
 * inside it gets those. The switch is a thread-local: the isolate's TLS block
 * is its own, so what an isolate sets is seen by no one else.
 */
#include "engine/libc_in.h"

#include <ctype.h>
#include <locale.h>
#include <stddef.h>
#include <time.h>

static __thread uint64_t libc_in_seed;

/* Fills the thread's pointers to the character tables; the C library has it,
 * but in none of its headers. */
extern void __ctype_init(void) __attribute__((weak));

void libc_in_start(uint64_t seed)
{
	if (__ctype_init)
		__ctype_init();
	libc_in_seed = seed | 1;
}

/* Outside: 0. Inside: never 0, and another number each time. */
static uint64_t next_number(void)
{
	if (libc_in_seed == 0)
		return 0;
	libc_in_seed = (libc_in_seed * 6364136223846793005u + 2) | 1;
	return libc_in_seed >> 8 | 1;
}

/* The library's version fills a static; the program never leaves the C locale.
 */
struct lconv *localeconv(void)
{
	/* Read only in fact: the program's writable data is out of reach. */
	static const char dot_text[] = ".", none_text[] = "";
	static const struct lconv c_locale = {
		.decimal_point = (char *)dot_text,
		.thousands_sep = (char *)none_text,
		.grouping = (char *)none_text,
		.int_curr_symbol = (char *)none_text,
		.currency_symbol = (char *)none_text,
		.mon_decimal_point = (char *)none_text,
		.mon_thousands_sep = (char *)none_text,
		.mon_grouping = (char *)none_text,
		.positive_sign = (char *)none_text,
		.negative_sign = (char *)none_text,
		.int_frac_digits = '\177',
		.frac_digits = '\177',
		.p_cs_precedes = '\177',
		.p_sep_by_space = '\177',
		.n_cs_precedes = '\177',
		.n_sep_by_space = '\177',
		.p_sign_posn = '\177',
		.n_sign_posn = '\177',
		.int_p_cs_precedes = '\177',
		.int_p_sep_by_space = '\177',
		.int_n_cs_precedes = '\177',
		.int_n_sep_by_space = '\177',
		.int_p_sign_posn = '\177',
		.int_n_sign_posn = '\177',
	};

	return (struct lconv *)&c_locale;
}

time_t time(time_t *ret_now)
{
	struct timespec ts = {.tv_sec = (time_t)next_number()};

	if (ts.tv_sec == 0)
		(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (ret_now)
		*ret_now = ts.tv_sec;
	return ts.tv_sec;
}

clock_t clock(void)
{
	clock_t inside = (clock_t)next_number();
	struct timespec ts = {0};

	if (inside)
		return inside;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * CLOCKS_PER_SEC +
	       ts.tv_nsec / (1000000000 / CLOCKS_PER_SEC);
}
