#pragma once
/*
 * How many mappings the process has for its isolates. The kernel lets a process
 * have vm.max_map_count; once they are used up nothing works any more, malloc
 * included. So isolates get all but a reserve, and the call that meets the
 * limit is refused while everybody else is served. Trusted side.
 */
#include <stdbool.h>
#include <stddef.h>

enum {
	MAPS_SPARE = 1000, /* what the process has besides isolates */
	MAPS_FEW = 64,
	MAPS_USUAL = 262144, /* what is commonly advised */
	MAPS_ISOLATE = 2,    /* the guard and the rest; a program adds some */
};

/* For the user; takes maps_advice(). */
#define MAPS_FIX "sysctl -w vm.max_map_count=%zu"
#define MAPS_REFUSED                                                           \
	"the isolates there are have all the mappings that the kernel allows " \
	"(vm.max_map_count)"

/* The keeper's, but for max. */
struct maps {
	size_t max; /* for isolates */
	size_t used;
};

/* What the kernel allows of such a process, less the reserve. */
size_t maps_for_isolates(size_t max_map_count);
/* What to set it to, if `have` is not enough. */
size_t maps_advice(size_t have, size_t isolates);
/* Asks the kernel, and warns where so many isolates do not fit. First thread.
 */
void maps_init(struct maps *m, size_t isolates);
/* vm.max_map_count as it was then; 0: not known. */
size_t maps_limit(void);
/* So few are left that those of slots in no use are wanted. */
bool maps_scarce(const struct maps *m);
/* False: they would not all fit. */
bool maps_take(struct maps *m, size_t n);
void maps_give(struct maps *m, size_t n);
