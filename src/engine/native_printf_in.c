/*
 * The printf family. Runs in U. The library's formats into memory well enough
 * for an isolate unless it wants memory itself or asks for a message catalogue,
 * so each format is read before it gets it.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/native_in.h"
#include "engine/native_libc_in.h"
#include "gvisor/function.h"

enum {
	/* From about 970 on the library takes memory. */
	AMOUNT_MAX = 900
};

struct args {
	va_list ap;
};

/* A width or precision; NULL: not with us. */
static const char *amount(const char *p, struct args *a)
{
	int n = 0;

	if (*p == '*') {
		n = va_arg(a->ap, int);
		return n > AMOUNT_MAX || n < -AMOUNT_MAX ? NULL : p + 1;
	}
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (*p - '0');
		if (n > AMOUNT_MAX)
			return NULL;
	}
	return p;
}

/* Takes the argument of a conversion; false: not with us. */
static bool take(char conversion, bool wide, bool long_double, struct args *a)
{
	if (strchr("diouxX", conversion)) {
		if (wide)
			(void)va_arg(a->ap, long);
		else
			(void)va_arg(a->ap, int);
	} else if (strchr("eEfFgGaA", conversion)) {
		if (long_double)
			(void)va_arg(a->ap, long double);
		else
			(void)va_arg(a->ap, double);
	} else if (wide) {
		return false;
	} else if (conversion == 'c') {
		(void)va_arg(a->ap, int);
	} else if (conversion == 's' || conversion == 'p') {
		(void)va_arg(a->ap, void *);
	} else {
		return conversion == '%';
	}
	return true;
}

/* Behind the '%'; behind its end, or NULL. */
static const char *directive(const char *p, struct args *a)
{
	bool wide, long_double;
	size_t n;

	p = amount(p + strspn(p, "-+ #0'"), a);
	if (p && *p == '.')
		p = amount(p + 1, a);
	if (!p)
		return NULL;
	n = strspn(p, "hlLqjzt");
	wide = n > 0 && strchr("lqjzt", *p);
	long_double = n > 0 && *p == 'L';
	p += n;
	if (*p == '\0' || !take(*p, wide, long_double, a))
		return NULL;
	return p + 1;
}

static bool harmless(const char *format, va_list ap)
{
	struct args a;
	bool good = true;

	va_copy(a.ap, ap);
	while (good && (format = strchr(format, '%'))) {
		format = directive(format + 1, &a);
		good = format != NULL;
	}
	va_end(a.ap);
	if (!good)
		errno = EINVAL;
	return good;
}

int native_vsnprintf(char *s, size_t n, const char *format, va_list ap)
{
	int r = harmless(format, ap) ? vsnprintf(s, n, format, ap) : -1;

	/* Who does not look at what comes back finds nothing, not anything. */
	if (r < 0 && n > 0)
		s[0] = '\0';
	return r;
}

int native_vsprintf(char *s, const char *format, va_list ap)
{
	return native_vsnprintf(s, INT_MAX, format, ap);
}

int native_vasprintf(char **ret_s, const char *format, va_list ap)
{
	va_list again;
	char *s;
	int n;

	va_copy(again, ap);
	n = native_vsnprintf(NULL, 0, format, again);
	va_end(again);
	s = n < 0 ? NULL : native_malloc((size_t)n + 1);
	if (!s)
		return -1;
	*ret_s = s;
	return vsnprintf(s, (size_t)n + 1, format, ap);
}

int native_snprintf(char *s, size_t n, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = native_vsnprintf(s, n, format, ap);
	va_end(ap);
	return r;
}

int native_sprintf(char *s, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = native_vsprintf(s, format, ap);
	va_end(ap);
	return r;
}

int native_asprintf(char **ret_s, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = native_vasprintf(ret_s, format, ap);
	va_end(ap);
	return r;
}

/* A format that can't be printed is logged as it is. */
void gv_logf(enum gv_log_level level, const char *format, ...)
{
	char line[NATIVE_IN_LOG_MAX + 2];
	va_list ap;
	int n;

	va_start(ap, format);
	n = native_vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n < 0) {
		gv_log(level, format, strlen(format));
		return;
	}
	/* One byte too many tells the runtime that more was cut. */
	gv_log(level, line,
		(size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}
