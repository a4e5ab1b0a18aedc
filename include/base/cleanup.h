#pragma once
/* Cleanup on scope exit; the attribute stands on the declaration, always. */
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

#define AUTO_FREE CLEANUP(cleanup_freep)
#define AUTO_CLOSE CLEANUP(cleanup_closep)
