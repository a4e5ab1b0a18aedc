#pragma once
/*
 * The ways in which native code ends itself, or is ended by checks that its
 * compiler put in: each leaves the isolate for good with a message and the
 * address that called it. Run in U.
 */
#include <stddef.h>

__attribute__((noreturn)) void native_abort(void);
__attribute__((noreturn)) void native_exit(int status);
__attribute__((noreturn)) void native_assert_fail(const char *expression,
	const char *file, unsigned line, const char *function);
__attribute__((noreturn)) void native_stack_check_fail(void);
/* Nothing is run at the end of an isolate: accepted, and that is all. */
int native_atexit(void *function);

/* C++. No exception is ever thrown: what would throw one ends the isolate. */
void *native_cxx_new(size_t n);
void *native_cxx_new_aligned(size_t n, size_t align);
void *native_cxx_new_aligned_nothrow(size_t n, size_t align);
extern const char native_cxx_nothrow[1];
/* Constructors and destructors of std::allocator<char>, which has nothing. */
void native_cxx_nothing(void);
int native_cxx_guard_acquire(unsigned char *guard);
void native_cxx_guard_release(unsigned char *guard);
void native_cxx_guard_abort(unsigned char *guard);
__attribute__((noreturn)) void native_cxx_pure_virtual(void);
__attribute__((noreturn)) void native_cxx_bad_alloc(void);
__attribute__((noreturn)) void native_cxx_terminate(void);
__attribute__((noreturn)) void native_cxx_exception(void);
/* The text is the exception's what(). */
__attribute__((noreturn)) void native_cxx_throw(const char *what);
__attribute__((noreturn, format(printf, 1, 2))) void native_cxx_throw_format(
	const char *format, ...);
__attribute__((noreturn)) void native_cxx_assert_fail(const char *file,
	int line, const char *function, const char *expression);
