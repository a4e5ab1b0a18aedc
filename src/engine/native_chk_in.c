/*
 * What compilers call in place of memcpy and its like under _FORTIFY_SOURCE:
 * the same, with the size of the destination besides. The library's end the
 * process where it is too small; ours, the isolate. Runs in U.
 */
#include "engine/native_chk_in.h"

#include <limits.h>
#include <string.h>

#include "engine/native_in.h"
#include "engine/native_libc_in.h"

/* The names are not to be met by the compiler's own checks. */
#define FITS(needed, size)                                                     \
	do {                                                                   \
		if ((needed) > (size))                                         \
			native_in_end(INSIDE_FAIL_DIED,                        \
				"an array was about to be written beyond "     \
				"its end",                                     \
				__builtin_return_address(0));                  \
	} while (0)

void *native_memcpy_chk(void *to, const void *from, size_t n, size_t size)
{
	FITS(n, size);
	return memcpy(to, from, n);
}

void *native_memmove_chk(void *to, const void *from, size_t n, size_t size)
{
	FITS(n, size);
	return memmove(to, from, n);
}

void *native_mempcpy_chk(void *to, const void *from, size_t n, size_t size)
{
	FITS(n, size);
	return mempcpy(to, from, n);
}

void *native_memset_chk(void *to, int c, size_t n, size_t size)
{
	FITS(n, size);
	return memset(to, c, n);
}

void native_explicit_bzero_chk(void *to, size_t n, size_t size)
{
	FITS(n, size);
	explicit_bzero(to, n);
}

char *native_strcpy_chk(char *to, const char *from, size_t size)
{
	size_t n = strlen(from) + 1;

	FITS(n, size);
	return memcpy(to, from, n);
}

char *native_stpcpy_chk(char *to, const char *from, size_t size)
{
	size_t n = strlen(from) + 1;

	FITS(n, size);
	return (char *)mempcpy(to, from, n) - 1;
}

char *native_strncpy_chk(char *to, const char *from, size_t n, size_t size)
{
	FITS(n, size);
	return strncpy(to, from, n);
}

char *native_stpncpy_chk(char *to, const char *from, size_t n, size_t size)
{
	FITS(n, size);
	return stpncpy(to, from, n);
}

char *native_strcat_chk(char *to, const char *from, size_t size)
{
	size_t had = strlen(to), n = strlen(from) + 1;

	FITS(had + n, size);
	memcpy(to + had, from, n);
	return to;
}

char *native_strncat_chk(char *to, const char *from, size_t n, size_t size)
{
	size_t had = strlen(to), more = strnlen(from, n);

	FITS(had + more + 1, size);
	memcpy(to + had, from, more);
	to[had + more] = '\0';
	return to;
}

/* `flag` asks for checks of the format, which ours has anyway. */

int native_vsnprintf_chk(char *s, size_t n, int flag, size_t size,
	const char *format, va_list ap)
{
	(void)flag;
	FITS(n, size);
	return native_vsnprintf(s, n, format, ap);
}

int native_snprintf_chk(
	char *s, size_t n, int flag, size_t size, const char *format, ...)
{
	va_list ap;
	int r;

	(void)flag;
	FITS(n, size);
	va_start(ap, format);
	r = native_vsnprintf(s, n, format, ap);
	va_end(ap);
	return r;
}

int native_vsprintf_chk(
	char *s, int flag, size_t size, const char *format, va_list ap)
{
	size_t room = size < INT_MAX ? size : INT_MAX;
	int r = native_vsnprintf(s, room, format, ap);

	(void)flag;
	if (r >= 0)
		FITS((size_t)r + 1, size);
	return r;
}

int native_sprintf_chk(char *s, int flag, size_t size, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = native_vsprintf_chk(s, flag, size, format, ap);
	va_end(ap);
	return r;
}

int native_vasprintf_chk(char **ret_s, int flag, const char *format, va_list ap)
{
	(void)flag;
	return native_vasprintf(ret_s, format, ap);
}

int native_asprintf_chk(char **ret_s, int flag, const char *format, ...)
{
	va_list ap;
	int r;

	(void)flag;
	va_start(ap, format);
	r = native_vasprintf(ret_s, format, ap);
	va_end(ap);
	return r;
}
