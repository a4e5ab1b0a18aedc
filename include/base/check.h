#pragma once
/*
 * Invariants that stay on in production.
 *
 * CHECK() states what must be true if this program is right; when it is not,
 * nothing may go on: the message goes to stderr and the process dies by SIGILL
 * (no atexit, no unwinding, no core). CHECK_IN() is its twin for code that runs
 * inside an isolate: no message, only the trap, which ends that isolate.
 * CHECK_SLOW() is compiled in debug builds alone.
 */
#include <string.h>
#include <unistd.h>

__attribute__((noreturn, cold)) static inline void check_failed(
	const char *what, const char *where)
{
	/* write() may be refused on a worker; the trap below is what counts. */
	ssize_t ignored = write(STDERR_FILENO, what, strlen(what));

	ignored = write(STDERR_FILENO, where, strlen(where));
	(void)ignored;
	__builtin_trap();
}

#define CHECK_STR2(x) #x
#define CHECK_STR(x) CHECK_STR2(x)
#define CHECK(cond)                                                            \
	do {                                                                   \
		if (__builtin_expect(!(cond), 0))                              \
			check_failed("gvisord: check failed: " #cond,          \
				" at " __FILE__ ":" CHECK_STR(__LINE__) "\n"); \
	} while (0)

#define CHECK_IN(cond)                                                         \
	do {                                                                   \
		if (__builtin_expect(!(cond), 0))                              \
			__builtin_trap();                                      \
	} while (0)

#ifdef GV_DEBUG
#define CHECK_SLOW(cond) CHECK(cond)
#else
#define CHECK_SLOW(cond) ((void)0)
#endif
