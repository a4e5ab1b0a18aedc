/* The doctor's judgement, with a made-up /proc and /sys. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/doctor.h"

static char root[] = "/tmp/gv-doctor-XXXXXX";
static struct doctor d;

static void setup(void)
{
	cr_assert(mkdtemp(root) != NULL);
	d = (struct doctor){.root = root, .isolates = 10, .connections = 10};
}

static void teardown(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	cr_assert(system(command) == 0);
}

TestSuite(doctor, .init = setup, .fini = teardown, .timeout = 30);

static void put(const char *path, const char *text)
{
	char full[256], command[300];
	FILE *f;

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	(void)snprintf(
		command, sizeof(command), "mkdir -p $(dirname %s)", full);
	cr_assert(system(command) == 0);
	f = fopen(full, "w");
	cr_assert(f != NULL);
	(void)fputs(text, f);
	(void)fclose(f);
}

static const struct doctor_result *result(const char *check)
{
	doctor_examine(&d);
	for (size_t i = 0; i < d.n; i++) {
		if (strcmp(d.results[i].check, check) == 0)
			return &d.results[i];
	}
	cr_assert(false, "no check %s", check);
	return NULL;
}

static void judges(
	const char *check, enum doctor_verdict verdict, const char *found)
{
	const struct doctor_result *r = result(check);

	cr_assert(r->verdict == verdict, "%s: %d, %s", check, r->verdict,
		r->found);
	cr_assert(strstr(r->found, found) != NULL, "%s: %s", check, r->found);
	if (verdict == DOCTOR_FAIL)
		cr_assert(r->fix[0] != '\0');
}

Test(doctor, releases)
{
	cr_assert(doctor_release_at_least("6.12.3-cloud-amd64", 6, 12));
	cr_assert(doctor_release_at_least("7.0", 6, 12));
	cr_assert(doctor_release_at_least("6.18.44-x", 6, 12));
	cr_assert(!doctor_release_at_least("6.1.0-45", 6, 12));
	cr_assert(!doctor_release_at_least("5.99", 6, 1));
	cr_assert(!doctor_release_at_least("linux", 0, 0));
	cr_assert(!doctor_release_at_least("", 0, 0));
}

Test(doctor, meltdown)
{
	static const char path[] =
		"/sys/devices/system/cpu/vulnerabilities/meltdown";

	judges("meltdown", DOCTOR_WARN, "unknown");
	put(path, "Not affected\n");
	judges("meltdown", DOCTOR_OK, "not affected");
	put(path, "Mitigation: PTI\n");
	judges("meltdown", DOCTOR_WARN, "Mitigation: PTI");
	d.need_mpk = true;
	judges("meltdown", DOCTOR_FAIL, "speculatively");
}

Test(doctor, map_count)
{
	judges("vm.max_map_count", DOCTOR_WARN, "unknown");
	put("/proc/sys/vm/max_map_count", "65530\n");
	judges("vm.max_map_count", DOCTOR_OK, "32265 isolates");
	d.isolates = 40000;
	judges("vm.max_map_count", DOCTOR_WARN, "40000 isolates want 81000");
	cr_assert(strstr(result("vm.max_map_count")->fix,
			  "vm.max_map_count=262144") != NULL);
	put("/proc/sys/vm/max_map_count", "many\n");
	judges("vm.max_map_count", DOCTOR_WARN, "unknown");
}

Test(doctor, clocksource)
{
	static const char path[] = "/sys/devices/system/clocksource/"
				   "clocksource0/current_clocksource";

	judges("clocksource", DOCTOR_WARN, "unknown");
	put(path, "tsc\n");
	judges("clocksource", DOCTOR_OK, "tsc");
	put(path, "hpet\n");
	judges("clocksource", DOCTOR_WARN, "hpet");
}

Test(doctor, limits)
{
	struct rlimit low = {.rlim_cur = 70, .rlim_max = 70};
	struct rlimit none = {0};

	judges("open files", DOCTOR_OK, "");
	cr_assert(setrlimit(RLIMIT_NOFILE, &low) == 0);
	judges("open files", DOCTOR_WARN, "70 at most; 10 connections want 74");
	cr_assert(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
	judges("locked memory", DOCTOR_WARN, "0 KiB");
}

Test(doctor, software_machines_are_well_without_keys)
{
	doctor_examine(&d);
	cr_assert(d.n == 13);
	for (size_t i = 0; i < d.n; i++)
		cr_assert(d.results[i].verdict == DOCTOR_OK ||
				  d.results[i].fix[0] ||
				  strstr(d.results[i].found, "unknown"),
			"%s has no fix", d.results[i].check);
	cr_assert(doctor_verdict(&d) != DOCTOR_OK); /* the empty /proc */
}

Test(doctor, the_worst_verdict_counts)
{
	d.n = 3;
	d.results[1].verdict = DOCTOR_WARN;
	cr_assert_eq(doctor_verdict(&d), DOCTOR_WARN);
	d.results[0].verdict = DOCTOR_FAIL;
	cr_assert_eq(doctor_verdict(&d), DOCTOR_FAIL);
	d.n = 0;
	cr_assert_eq(doctor_verdict(&d), DOCTOR_OK);
}
