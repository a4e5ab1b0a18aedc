/*
 * Syscall user dispatch by prctl. Trusted side, before the thread's filter is
 * loaded: the filter refuses prctl.
 */
#include "sandbox/dispatch.h"

#include <linux/prctl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/err.h"

_Static_assert(DISPATCH_ALLOW == SYSCALL_DISPATCH_FILTER_ALLOW &&
		       DISPATCH_BLOCK == SYSCALL_DISPATCH_FILTER_BLOCK,
	"the gate's assembly stores these numbers");

int dispatch_on(volatile uint8_t *selector)
{
	/* Offset and length 0: no code range is exempt. */
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0UL, 0UL,
		    selector))
		return err_errno();
	return 0;
}

int dispatch_off(void)
{
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0UL, 0UL,
		    0UL))
		return err_errno();
	return 0;
}

bool dispatch_supported(void)
{
	static volatile uint8_t allow = DISPATCH_ALLOW;

	return dispatch_on(&allow) == 0 && dispatch_off() == 0;
}
