#pragma once
/*
 * The daemon's own jail: what it gives up at start, before threads, policies
 * and isolates. Trusted side. Each function is one thing given up; all return 0
 * or -errno, and none is undone later.
 *
 * Order in main(): jail_env and jail_fds first, then the others in any order,
 * jail_rseq_unregister() in every thread, filters last.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

enum {
	JAIL_UMASK = 077
};

/* Overwrites the environment; what is left is a fixed PATH and the C locale.
 * Whoever reads a variable does so before, and keeps a copy. Always 0. */
int jail_env(void);

/* Closes every descriptor above 2 but keep[0..n), which ascend, and opens
 * /dev/null where 0, 1 or 2 is closed. */
int jail_fds(const int keep[], size_t n);

/* No gain of rights by exec, for ever. */
int jail_no_new_privs(void);

/* No core, not attachable by others of the same user, /proc/self root's. */
int jail_no_dump(void);

/* Cores of length 0 alone: no key's pages reach a disk. */
int jail_no_core(void);

/* Files made by the daemon are its user's alone. */
void jail_umask(void);

/* Raises the soft limit on open files to the hard one. */
int jail_raise_nofile(rlim_t *ret_limit);

/*
 * Ends the calling thread's restartable sequences, which let isolate code
 * redirect the gate, and kill the process where the area is in key 0. 0 also
 * when there was none; -errno if a registration remains. Threads that libc
 * starts from a thread without one get none; call it there all the same.
 */
int jail_rseq_unregister(void);
