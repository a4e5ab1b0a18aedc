/*
 * Ends; and what C++ asks of its runtime, which is mostly ends. Runs in U. The
 * pointers to texts are the function's and may be anything: reading from where
 * nothing is ends the isolate as well.
 */
#include "engine/native_end_in.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/native_in.h"
#include "engine/native_libc_in.h"

#define CALLER __builtin_return_address(0)

/* In two steps: the text may be that of a message before. */
#define END(why, ...)                                                          \
	do {                                                                   \
		char text[NATIVE_IN_TEXT_MAX];                                 \
		(void)snprintf(text, sizeof(text), __VA_ARGS__);               \
		native_in_end(why, text, CALLER);                              \
	} while (0)

void native_abort(void)
{
	native_in_end(INSIDE_FAIL_DIED, "the function called abort()", CALLER);
}

void native_exit(int status)
{
	END(INSIDE_FAIL_DIED, "the function called exit(%d)", status);
}

void native_assert_fail(const char *expression, const char *file, unsigned line,
	const char *function)
{
	END(INSIDE_FAIL_DIED, "assertion failed: %.200s (%.100s:%u, %.100s)",
		expression, file, line, function ? function : "?");
}

void native_stack_check_fail(void)
{
	native_in_end(INSIDE_FAIL_DIED,
		"an array on the stack was written beyond its end", CALLER);
}

int native_atexit(void *function)
{
	(void)function;
	return 0;
}

/* C++ ----------------------------------------------------------------------*/

const char native_cxx_nothrow[1];

void *native_cxx_new(size_t n)
{
	void *p = native_malloc(n);

	if (!p)
		native_in_end(INSIDE_FAIL_NOMEM, "memory budget spent", CALLER);
	return p;
}

void *native_cxx_new_aligned_nothrow(size_t n, size_t align)
{
	return native_aligned_alloc(align, n);
}

void *native_cxx_new_aligned(size_t n, size_t align)
{
	void *p = native_aligned_alloc(align, n);

	if (!p)
		native_in_end(INSIDE_FAIL_NOMEM, "memory budget spent", CALLER);
	return p;
}

void native_cxx_nothing(void)
{
}

/* There is one thread: what is not done yet is to be done by the caller. */
int native_cxx_guard_acquire(unsigned char *guard)
{
	return !*guard;
}

void native_cxx_guard_release(unsigned char *guard)
{
	*guard = 1;
}

void native_cxx_guard_abort(unsigned char *guard)
{
	(void)guard;
}

void native_cxx_pure_virtual(void)
{
	native_in_end(INSIDE_FAIL_DIED,
		"the function called a virtual function that has no body",
		CALLER);
}

void native_cxx_bad_alloc(void)
{
	native_in_end(INSIDE_FAIL_NOMEM, "memory budget spent", CALLER);
}

void native_cxx_terminate(void)
{
	native_in_end(INSIDE_FAIL_DIED, "the function called std::terminate()",
		CALLER);
}

void native_cxx_exception(void)
{
	native_in_end(INSIDE_FAIL_DIED,
		"an exception or a panic; there are none here", CALLER);
}

void native_cxx_throw(const char *what)
{
	END(INSIDE_FAIL_DIED, "C++ exception: %.300s", what);
}

void native_cxx_throw_format(const char *format, ...)
{
	char what[NATIVE_IN_TEXT_MAX - 20];
	va_list ap;

	va_start(ap, format);
	if (native_vsnprintf(what, sizeof(what), format, ap) < 0)
		what[0] = '\0';
	va_end(ap);
	END(INSIDE_FAIL_DIED, "C++ exception: %s", what);
}

void native_cxx_assert_fail(const char *file, int line, const char *function,
	const char *expression)
{
	END(INSIDE_FAIL_DIED, "assertion failed: %.200s (%.100s:%d, %.100s)",
		expression ? expression : "?", file, line,
		function ? function : "?");
}
