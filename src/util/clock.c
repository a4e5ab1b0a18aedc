/*
 * Time. The vdso reads the clock without a system call where the clock source
 * can be read from user space; elsewhere it would make one without the worker's
 * cookie, which the worker's filter refuses, so the decision is made once at
 * start. Should the clock source change later (a TSC found unstable), libc's
 * call fails and the system call with the cookie takes over.
 *
 * One global, written by clock_init() before there are threads.
 */
#include "util/clock.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "sandbox/wsys.h"

static bool clock_vdso;

void clock_init(void)
{
	static const char *const readable[] = {"tsc", "kvm-clock", "hyperv"};
	AUTO_CLOSE int fd = open("/sys/devices/system/clocksource/clocksource0/"
				 "current_clocksource",
		O_RDONLY | O_CLOEXEC);
	char name[32] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, name, sizeof(name) - 1);

	clock_vdso = false;
	for (size_t i = 0; n > 0 && i < 3; i++)
		if (strncmp(name, readable[i], strlen(readable[i])) == 0)
			clock_vdso = true;
}

static uint64_t clock_sum(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * CLOCK_S + (uint64_t)ts->tv_nsec;
}

static uint64_t clock_read(clockid_t id)
{
	struct timespec ts;

	if (!clock_vdso || clock_gettime(id, &ts) != 0)
		CHECK(wsys_clock_gettime(id, &ts) == 0);
	return clock_sum(&ts);
}

uint64_t clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_real(void)
{
	return clock_read(CLOCK_REALTIME);
}

uint64_t clock_thread(void)
{
	struct timespec ts;

	CHECK(wsys_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == 0);
	return clock_sum(&ts);
}

uint64_t clock_of_thread(pid_t tid)
{
	/* As the kernel counts them: a thread's, by its scheduler's clock. */
	const clockid_t id = (clockid_t)((~(unsigned)tid << 3) | 6);
	struct timespec ts;

	return clock_gettime(id, &ts) == 0 ? clock_sum(&ts) : 0;
}

/*
 * libc's gmtime_r() takes the time zone lock, so the calendar is worked out
 * here: years counted from March end in the leap day, and 400 of them always
 * have 146,097 days.
 */
struct clock_civil clock_civil(uint64_t seconds)
{
	uint64_t days = seconds / 86400, rest = seconds % 86400;
	uint64_t d = days + 719468; /* since 0000-03-01 */
	uint64_t era = d / 146097, doe = d % 146097;
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t m = (5 * doy + 2) / 153; /* from March */
	struct clock_civil c = {
		.year = (unsigned)(era * 400 + yoe + (m >= 10)),
		.month = (unsigned)(m < 10 ? m + 3 : m - 9),
		.day = (unsigned)(doy - (153 * m + 2) / 5 + 1),
		.hour = (unsigned)(rest / 3600),
		.minute = (unsigned)(rest / 60 % 60),
		.second = (unsigned)(rest % 60),
		.weekday = (unsigned)((days + 4) % 7),
	};

	return c;
}
