/* Faults of the processor. See cpu.h. */
#include "util/cpu.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char meltdown_path[] =
	"/sys/devices/system/cpu/vulnerabilities/meltdown";
static const char not_affected[] = "Not affected";

enum cpu_meltdown cpu_meltdown(const char *root, char *ret_line, size_t size)
{
	char path[512];
	FILE *f;
	bool ok;

	*ret_line = '\0';
	(void)snprintf(path, sizeof(path), "%s%s", root, meltdown_path);
	f = fopen(path, "re");
	if (!f)
		return CPU_MELTDOWN_UNKNOWN;
	ok = fgets(ret_line, (int)size, f) != NULL;
	(void)fclose(f);
	if (!ok)
		return CPU_MELTDOWN_UNKNOWN;
	ret_line[strcspn(ret_line, "\n")] = '\0';
	return strncmp(ret_line, not_affected, strlen(not_affected)) == 0
		       ? CPU_MELTDOWN_SAFE
		       : CPU_MELTDOWN_AFFECTED;
}
