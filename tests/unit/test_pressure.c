/* What a cgroup, and those above it, allow (core/pressure.h). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/pressure.h"

static char root[64];

static void put(const char *dir, const char *max)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s%s", root, dir);
	cr_assert(mkdir(path, 0700) == 0 || access(path, X_OK) == 0);
	if (!max)
		return;
	(void)snprintf(path, sizeof(path), "%s%s/memory.max", root, dir);
	f = fopen(path, "w");
	cr_assert(f && fputs(max, f) >= 0 && fclose(f) == 0);
}

static void start(void)
{
	(void)strcpy(root, "/tmp/gv-cgroup-XXXXXX");
	cr_assert(mkdtemp(root));
}

static void end(void)
{
	char command[96];

	(void)snprintf(command, sizeof(command), "rm -r %s", root);
	cr_assert(system(command) == 0);
}

TestSuite(pressure, .init = start, .fini = end);

Test(pressure, the_least_of_all_above)
{
	put("", NULL); /* the root has no such file */
	put("/a", "1000000\n");
	put("/a/b", "max\n");
	put("/a/b/c", "2000000\n");
	put("/a/b/d", "3000\n");
	cr_expect(pressure_cgroup(root, "/a/b/c") == 1000000);
	cr_expect(pressure_cgroup(root, "/a/b") == 1000000);
	cr_expect(pressure_cgroup(root, "/a/b/d") == 3000);
}

Test(pressure, no_limit)
{
	char far[600];

	put("/a", "max\n");
	put("/b", "");
	cr_expect(pressure_cgroup(root, "/a") == UINT64_MAX);
	cr_expect(pressure_cgroup(root, "/b") == UINT64_MAX);
	cr_expect(pressure_cgroup(root, "/") == UINT64_MAX);
	cr_expect(pressure_cgroup(root, "/not/there") == UINT64_MAX);
	memset(far, 'x', sizeof(far) - 1);
	far[0] = '/';
	far[sizeof(far) - 1] = '\0';
	cr_expect(pressure_cgroup(root, far) == UINT64_MAX);
}
