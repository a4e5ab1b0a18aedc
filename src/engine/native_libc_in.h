#pragma once
/*
 * Our versions of functions of the C and C++ libraries that native code may
 * call, where the library's would make system calls or write where no isolate
 * may. Run in U. Contracts are the standards', but for what is said here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

/* From the isolate's heap. Alignments up to 4,096. */
void *native_malloc(size_t n);
void *native_calloc(size_t n, size_t size);
void *native_realloc(void *p, size_t n);
void *native_reallocarray(void *p, size_t n, size_t size);
void native_free(void *p);
void *native_aligned_alloc(size_t align, size_t n);
int native_posix_memalign(void **ret_p, size_t align, size_t n);
char *native_strdup(const char *s);
char *native_strndup(const char *s, size_t n);

/* Good until the next call of anything here that fails. */
char *native_strerror(int error);
char *native_strtok(char *s, const char *delimiters);

/* Stable. Takes memory for half of the array if there is some. */
void native_qsort(void *base, size_t n, size_t size,
	int (*compare)(const void *, const void *));
void native_qsort_r(void *base, size_t n, size_t size,
	int (*compare)(const void *, const void *, void *), void *arg);

/* In steps of gv_time(). */
time_t native_time(time_t *ret_now);
clock_t native_clock(void);
int native_clock_gettime(clockid_t clock, struct timespec *ret_ts);
int native_gettimeofday(struct timeval *ret_tv, void *zone);

/* Not for secrets; that is gv_random(). */
int native_rand(void);
void native_srand(unsigned seed);
int native_rand_r(unsigned *seed);
long native_random(void);

/*
 * -1 and EINVAL: widths and precisions beyond 900, %n, %m, %lc, %ls and
 * arguments by number (%1$d). Then the text is "", if there is room for it.
 */
__attribute__((format(printf, 3, 0))) int native_vsnprintf(
	char *s, size_t n, const char *format, va_list ap);
__attribute__((format(printf, 2, 0))) int native_vsprintf(
	char *s, const char *format, va_list ap);
__attribute__((format(printf, 2, 0))) int native_vasprintf(
	char **ret_s, const char *format, va_list ap);
__attribute__((format(printf, 3, 4))) int native_snprintf(
	char *s, size_t n, const char *format, ...);
__attribute__((format(printf, 2, 3))) int native_sprintf(
	char *s, const char *format, ...);
__attribute__((format(printf, 2, 3))) int native_asprintf(
	char **ret_s, const char *format, ...);
