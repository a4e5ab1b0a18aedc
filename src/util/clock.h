#pragma once
/*
 * Time, for every trusted thread: workers may call these after confinement.
 */
#include <stdint.h>
#include <sys/types.h>

#define CLOCK_MS UINT64_C(1000000)
#define CLOCK_S UINT64_C(1000000000)

/* Finds out whether the vdso can read this machine's clock. Once, at start,
 * before threads; without it every reading is a system call. */
void clock_init(void);

/* Nanoseconds since some point in the past (CLOCK_MONOTONIC). */
uint64_t clock_now(void);
/* Nanoseconds since 1970. */
uint64_t clock_real(void);

/* CPU time of the calling thread: a system call, a worker's too. */
uint64_t clock_thread(void);
/* Of another thread of this process; no worker. 0: it is no more. */
uint64_t clock_of_thread(pid_t tid);

/* UTC, proleptic Gregorian. */
struct clock_civil {
	unsigned year, month, day; /* month and day from 1 */
	unsigned hour, minute, second;
	unsigned weekday; /* 0: Sunday */
};
struct clock_civil clock_civil(uint64_t seconds);
