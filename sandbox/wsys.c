/*
 * The worker's cookie: what it is and where it comes from. Trusted side; the
 * variable lies in the TLS of a trusted thread, so in key 0.
 */
#include "sandbox/wsys.h"

#include <sys/random.h>

#include "base/err.h"

__thread uint64_t wsys_cookie __attribute__((tls_model("initial-exec")));

int wsys_init(void)
{
	uint64_t cookie = 0;

	/* A half that is 0 or all ones is what a register holds by accident. */
	while ((uint32_t)(cookie + 1) <= 1 ||
		(uint32_t)((cookie >> 32) + 1) <= 1) {
		if (getrandom(&cookie, sizeof(cookie), 0) != sizeof(cookie))
			return err_errno();
	}
	wsys_cookie = cookie;
	return 0;
}
