/* Time and the calendar. */
#include <criterion/criterion.h>
#include <time.h>

#include "util/clock.h"

Test(clock, advances_with_and_without_vdso)
{
	uint64_t a = clock_now(), b; /* before clock_init(): system calls */

	clock_init();
	b = clock_now();
	cr_assert_geq(b, a);
	cr_assert_lt(b - a, 10 * CLOCK_S);
	cr_assert_lt((uint64_t)time(NULL) - clock_real() / CLOCK_S + 1, 3);
}

Test(clock, calendar_agrees_with_libc)
{
	for (uint64_t t = 0; t < UINT64_C(8000000000); t += 86400 * 3 + 12345) {
		time_t tt = (time_t)t;
		struct clock_civil c = clock_civil(t);
		struct tm tm;

		gmtime_r(&tt, &tm);
		cr_assert_eq(c.year, (unsigned)tm.tm_year + 1900);
		cr_assert_eq(c.month, (unsigned)tm.tm_mon + 1);
		cr_assert_eq(c.day, (unsigned)tm.tm_mday);
		cr_assert_eq(c.hour, (unsigned)tm.tm_hour);
		cr_assert_eq(c.minute, (unsigned)tm.tm_min);
		cr_assert_eq(c.second, (unsigned)tm.tm_sec);
		cr_assert_eq(c.weekday, (unsigned)tm.tm_wday);
	}
}

Test(clock, leap_days)
{
	struct clock_civil c = clock_civil(UINT64_C(951782400)); /* 2000 */

	cr_assert(c.year == 2000 && c.month == 2 && c.day == 29);
	c = clock_civil(UINT64_C(4107542399)); /* 2100 has none */
	cr_assert(c.year == 2100 && c.month == 2 && c.day == 28);
	c = clock_civil(UINT64_C(4107542400));
	cr_assert(c.year == 2100 && c.month == 3 && c.day == 1);
}
