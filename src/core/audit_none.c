/* Nobody looks; see audit.h. Trusted side. */
#include "core/audit.h"

int audit_init(struct runtime *rt)
{
	(void)rt;
	return 0;
}

void audit_step(const char *step, const struct isolate *iso)
{
	(void)step;
	(void)iso;
}
