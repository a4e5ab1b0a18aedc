/*
 * Strings, clocks and numbers where the library's versions write a global, ask
 * for a message catalogue or read the vdso's page. Runs in U.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/native_in.h"
#include "engine/native_libc_in.h"
#include "gvisor/function.h"

enum {
	NS_PER_US = 1000,
	NS_PER_S = 1000000000
};

static char *copy_of(const char *s, size_t len)
{
	char *copy = native_malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *native_strdup(const char *s)
{
	return copy_of(s, strlen(s));
}

char *native_strndup(const char *s, size_t n)
{
	return copy_of(s, strnlen(s, n));
}

/* A copy: what lies in the program can't be handed out by an isolate. */
char *native_strerror(int error)
{
	const char *text = strerrordesc_np(error);
	char *room = native_now->text;

	if (text)
		(void)snprintf(room, sizeof(native_now->text), "%s", text);
	else
		(void)snprintf(room, sizeof(native_now->text),
			"Unknown error %d", error);
	return room;
}

char *native_strtok(char *s, const char *delimiters)
{
	return strtok_r(s, delimiters, &native_now->strtok);
}

/* Clocks -------------------------------------------------------------------*/

time_t native_time(time_t *ret_now)
{
	time_t now = (time_t)(gv_time(GV_CLOCK_REAL) / NS_PER_S);

	if (ret_now)
		*ret_now = now;
	return now;
}

/* Time that passed is the nearest there is to time that was used. */
clock_t native_clock(void)
{
	return (clock_t)(gv_time(GV_CLOCK_MONO) /
			 (NS_PER_S / (uint64_t)CLOCKS_PER_SEC));
}

int native_clock_gettime(clockid_t clock, struct timespec *ret_ts)
{
	bool real = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
	uint64_t now;

	if (!real && clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_RAW &&
		clock != CLOCK_MONOTONIC_COARSE && clock != CLOCK_BOOTTIME) {
		errno = EINVAL;
		return -1;
	}
	now = gv_time(real ? GV_CLOCK_REAL : GV_CLOCK_MONO);
	ret_ts->tv_sec = (time_t)(now / NS_PER_S);
	ret_ts->tv_nsec = (long)(now % NS_PER_S);
	return 0;
}

int native_gettimeofday(struct timeval *ret_tv, void *zone)
{
	uint64_t now = gv_time(GV_CLOCK_REAL);

	(void)zone;
	ret_tv->tv_sec = (time_t)(now / NS_PER_S);
	ret_tv->tv_usec = (suseconds_t)(now % NS_PER_S / NS_PER_US);
	return 0;
}

/* Numbers ------------------------------------------------------------------*/

/* SplitMix64 (Steele, Lea, Flood 2014). */
static int number_of(uint64_t *state)
{
	uint64_t x = *state += 0x9E3779B97F4A7C15u;

	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
	x = (x ^ x >> 27) * 0x94D049BB133111EBu;
	return (int)((x ^ x >> 31) >> 33);
}

void native_srand(unsigned seed)
{
	native_now->rand = seed;
}

int native_rand(void)
{
	return number_of(&native_now->rand);
}

long native_random(void)
{
	return native_rand();
}

int native_rand_r(unsigned *seed)
{
	uint64_t state = *seed;
	int number = number_of(&state);

	*seed = (unsigned)(state >> 32 ^ state);
	return number;
}
