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

/*
 * Seals what nobody writes any more (text, gate, constants): from here on the
 * kernel refuses to unmap them or to change their rights or keys, whoever asks
 * (mseal(2), Linux >= 6.10). First thread, after gate_init() and the scan, with
 * and without keys. Returns 0, or -errno: -ENOSYS from a kernel without it.
 */
int partition_seal(void);
