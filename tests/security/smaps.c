/* See smaps.h. */
#include "tests/security/smaps.h"

#include <stdio.h>
#include <string.h>

enum {
	PAGE = 4096
};

static int wanted(uint64_t at, const struct smaps_range *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (at >= want[i].from && at < want[i].to)
			return want[i].key;
	return 0;
}

static bool any_range(
	uint64_t from, uint64_t to, const struct smaps_range *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (from < want[i].to && want[i].from < to)
			return true;
	return false;
}

/* Returns the first page that is wrong, or `to`. */
static uint64_t first_wrong(const struct smaps_range *area,
	const struct smaps_range *want, size_t n)
{
	if (area->key == 0 && !any_range(area->from, area->to, want, n))
		return area->to;
	for (uint64_t at = area->from; at < area->to; at += PAGE)
		if (wanted(at, want, n) != area->key)
			return at;
	return area->to;
}

bool smaps_agree(
	const struct smaps_range *want, size_t n, char *text, size_t size)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	struct smaps_range area = {0};
	unsigned seen = 0;
	char line[512];
	bool good = f;

	while (good && fgets(line, sizeof(line), f)) {
		unsigned long from, to;
		uint64_t at;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			area.from = from;
			area.to = to;
		}
		if (sscanf(line, "ProtectionKey: %d", &area.key) != 1)
			continue;
		seen++;
		at = first_wrong(&area, want, n);
		if (at == area.to)
			continue;
		(void)snprintf(text, size, "page %#lx has key %d, not %d", at,
			area.key, wanted(at, want, n));
		good = false;
	}
	if (f)
		(void)fclose(f);
	if (good && seen == 0)
		(void)snprintf(text, size, "no keys in smaps");
	return good && seen > 0;
}
