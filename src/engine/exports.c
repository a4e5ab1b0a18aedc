/* The table of names; see the header. Outside; constant. */
#include "engine/exports.h"

#include <stddef.h>
#include <string.h>

const char *const exports_native[] = {
	"gv_alloc",   /* memory of the isolate's heap */
	"gv_realloc", /* the same, of another size */
	"gv_free",    /* and back */
	"gv_log",     /* a line in the function's log */
	"gv_time",    /* clocks, in coarse steps */
	"gv_random",  /* random bytes */
	"gv_fail",    /* the end of this invocation, with a message */
	NULL,
};

bool exports_have(const char *const *exports, const char *name)
{
	for (; *exports; exports++)
		if (strcmp(*exports, name) == 0)
			return true;
	return false;
}
