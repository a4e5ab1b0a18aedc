#pragma once
/* Load on a live daemon while it is looked at: the soak's. */
#include "tests/security/live.h"
#include "tests/stress/soak.h"

/* Deploys the soak's functions and starts it. */
bool load_start(struct soak *s, struct live *l, unsigned connections);
/* Ends it; true: it was not idle, and every reply was right. */
bool load_stop(struct soak *s);
