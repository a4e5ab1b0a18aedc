#pragma once
/* What `serve` and `run` have in common: jail, logging, runtime. */
#include <stddef.h>

#include "core/runtime.h"

struct config;

/* First thread, once. 0, or -errno with a message for the user in err. */
int start_runtime(
	struct runtime *rt, const struct config *cfg, char *err, size_t size);
