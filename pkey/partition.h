#pragma once
/*
 * The process partition: text, read-only data, relocated-read-only data and the
 * C library's variables go to key S, which isolates may read; everything else
 * is left in key 0, which they may not.
 */
#include "pkey/keys.h"

/*
 * First thread, after keys_init(), before other threads exist. Nothing to do
 * without keys. Returns 0 or -errno: then the process must not go on in MPK
 * mode.
 */
int partition_apply(const struct keys *keys);
