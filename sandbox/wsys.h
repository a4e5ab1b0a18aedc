#pragma once
/*
 * The system calls a worker may make, each with its cookie.
 *
 * Trusted side (T) only: the cookie lies in key 0 and goes into argument
 * registers that the call doesn't use, where the worker's filter (policy
 * `worker`) looks for it. What code in U puts there is a guess at 64 bits. On a
 * thread without that filter the cookie is 0 or anything: the kernel does not
 * read those registers, so the same wrappers serve every trusted thread.
 *
 * All return what the kernel returns: a result or -errno; errno is not touched.
 * rt_sigreturn is made by the gate's assembly: cookie in RDI, ~cookie in RSI.
 */
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

/* The calling thread's cookie; 0 until wsys_init(). */
extern __thread uint64_t wsys_cookie __attribute__((tls_model("initial-exec")));

/* Draws a cookie for the calling thread; before its filter is loaded. Both
 * halves are nonzero, so neither a cleared nor a sign-extended register fits.
 * Returns 0 or -errno. */
int wsys_init(void);

/* Six-argument system call; all registers are passed as given. */
static inline long wsys_call(long nr, const uint64_t a[6])
{
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
			 "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* `flags`: 0 or IORING_ENTER_GETEVENTS, all that the filter lets pass. */
static inline int wsys_io_uring_enter(
	int fd, unsigned to_submit, unsigned min_complete, unsigned flags)
{
	const uint64_t a[6] = {
		(unsigned)fd, to_submit, min_complete, flags, 0, wsys_cookie};

	return (int)wsys_call(SYS_io_uring_enter, a);
}

/* Waits while *addr == val, at most `rel` (NULL: no limit). Private futex. 0,
 * -EAGAIN, -EINTR, -ETIMEDOUT; may wake for no reason. */
static inline int wsys_futex_wait(
	uint32_t *addr, uint32_t val, const struct timespec *rel)
{
	const uint64_t a[6] = {(uintptr_t)addr, FUTEX_WAIT_PRIVATE, val,
		(uintptr_t)rel, wsys_cookie, 0};

	return (int)wsys_call(SYS_futex, a);
}

/* Wakes at most n waiters; returns how many. */
static inline int wsys_futex_wake(uint32_t *addr, int n)
{
	const uint64_t a[6] = {(uintptr_t)addr, FUTEX_WAKE_PRIVATE, (unsigned)n,
		0, wsys_cookie, 0};

	return (int)wsys_call(SYS_futex, a);
}

/* The real call, not the vdso: for the threads on which libc's own falls back
 * to a system call (no usable TSC) and is refused for lack of the cookie. */
static inline int wsys_clock_gettime(clockid_t clk, struct timespec *ret_ts)
{
	const uint64_t a[6] = {
		(unsigned)clk, (uintptr_t)ret_ts, 0, wsys_cookie, 0, 0};

	return (int)wsys_call(SYS_clock_gettime, a);
}
