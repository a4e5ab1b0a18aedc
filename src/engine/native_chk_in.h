#pragma once
/* Behind the names __memcpy_chk and so on: `size` is the room there is at the
 * destination, SIZE_MAX if the compiler can't tell. Run in U. */
#include <stdarg.h>
#include <stddef.h>

void *native_memcpy_chk(void *to, const void *from, size_t n, size_t size);
void *native_memmove_chk(void *to, const void *from, size_t n, size_t size);
void *native_mempcpy_chk(void *to, const void *from, size_t n, size_t size);
void *native_memset_chk(void *to, int c, size_t n, size_t size);
void native_explicit_bzero_chk(void *to, size_t n, size_t size);
char *native_strcpy_chk(char *to, const char *from, size_t size);
char *native_stpcpy_chk(char *to, const char *from, size_t size);
char *native_strncpy_chk(char *to, const char *from, size_t n, size_t size);
char *native_stpncpy_chk(char *to, const char *from, size_t n, size_t size);
char *native_strcat_chk(char *to, const char *from, size_t size);
char *native_strncat_chk(char *to, const char *from, size_t n, size_t size);

__attribute__((format(printf, 5, 0))) int native_vsnprintf_chk(char *s,
	size_t n, int flag, size_t size, const char *format, va_list ap);
__attribute__((format(printf, 5, 6))) int native_snprintf_chk(
	char *s, size_t n, int flag, size_t size, const char *format, ...);
__attribute__((format(printf, 4, 0))) int native_vsprintf_chk(
	char *s, int flag, size_t size, const char *format, va_list ap);
__attribute__((format(printf, 4, 5))) int native_sprintf_chk(
	char *s, int flag, size_t size, const char *format, ...);
__attribute__((format(printf, 3, 0))) int native_vasprintf_chk(
	char **ret_s, int flag, const char *format, va_list ap);
__attribute__((format(printf, 3, 4))) int native_asprintf_chk(
	char **ret_s, int flag, const char *format, ...);
