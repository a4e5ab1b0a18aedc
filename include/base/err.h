#pragma once
/*
 * What a function returns.
 *
 *   0         it did what its name says
 *   negative  -errno: fatal for the operation. The caller may clean up and
 *             forward it; it never inspects which one it was
 *   positive  a named condition of that one module (an enum whose values start
 *             at 1 and stand in its header). The immediate caller handles it
 *             and never forwards the bare number
 *
 * Results come back through `ret_` parameters, last in the list, written only
 * on success. Pointers to optional results may be NULL only where said.
 */
#include <errno.h>

/* -errno of the call that just failed; never 0. */
static inline int err_errno(void)
{
	return errno > 0 ? -errno : -ENOTRECOVERABLE;
}
