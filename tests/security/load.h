#pragma once
/* Load on a live daemon while it is looked at: the soak's. */
#include "tests/security/live.h"
#include "tests/stress/soak.h"

/* Deploys the soak's functions and starts it. */
bool load_start(struct soak *s, struct live *l, unsigned connections);
/* Ends it; true: it was not idle, and every reply was right. */
bool load_stop(struct soak *s);

/* What an observer says where it must find something: to nobody. */
__attribute__((format(printf, 1, 2))) void load_hush(const char *text, ...);
