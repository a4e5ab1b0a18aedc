/* Mappings, counted: see maps.h. */
#include "core/maps.h"

#include <stdint.h>
#include <stdio.h>

#include "base/check.h"
#include "util/log.h"

size_t maps_for_isolates(size_t max_map_count)
{
	return max_map_count > 2 * (size_t)MAPS_SPARE
		       ? max_map_count - MAPS_SPARE
		       : max_map_count / 2;
}

size_t maps_advice(size_t have, size_t isolates)
{
	size_t n = MAPS_USUAL;

	while (n <= have || n < isolates * MAPS_ISOLATE + MAPS_SPARE)
		n *= 2;
	return n;
}

static size_t limit; /* the process's, like what it limits */

size_t maps_limit(void)
{
	return limit;
}

void maps_init(struct maps *m, size_t isolates)
{
	FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
	size_t have = 0;
	char fix[64];

	*m = (struct maps){.max = SIZE_MAX};
	if (!f)
		return;
	if (fscanf(f, "%zu", &have) == 1) {
		limit = have;
		m->max = maps_for_isolates(have);
	}
	(void)fclose(f);
	if (m->max >= isolates * MAPS_ISOLATE)
		return;
	(void)snprintf(fix, sizeof(fix), MAPS_FIX, maps_advice(have, isolates));
	log_warn("not all isolates of limits.isolates fit into the mappings "
		 "that the kernel allows a process",
		LOG_U64("max_map_count", have), LOG_U64("isolates", isolates),
		LOG_U64("fit", m->max / MAPS_ISOLATE), LOG_STR("fix", fix));
}

bool maps_scarce(const struct maps *m)
{
	return m->max - m->used < MAPS_FEW || m->used > m->max;
}

bool maps_take(struct maps *m, size_t n)
{
	if (n > m->max || m->used > m->max - n)
		return false;
	m->used += n;
	return true;
}

void maps_give(struct maps *m, size_t n)
{
	CHECK(n <= m->used);
	m->used -= n;
}
