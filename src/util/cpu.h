#pragma once
/* What the kernel says of this processor's faults. Control side: reads sysfs.
 */
#include <stddef.h>

enum cpu_meltdown {
	CPU_MELTDOWN_SAFE,     /* not affected (on Intel: RDCL_NO) */
	CPU_MELTDOWN_AFFECTED, /* whatever is done about it elsewhere */
	CPU_MELTDOWN_UNKNOWN,
};

/*
 * A processor with Meltdown reads past protection keys speculatively, and page
 * table isolation does not help within one process. The kernel's own words are
 * put to ret_line. root: "" or where a test keeps its /sys.
 * Source: Documentation/ABI/testing/sysfs-devices-system-cpu.
 */
enum cpu_meltdown cpu_meltdown(const char *root, char *ret_line, size_t size);
