/*
 * The checks of `gvisord doctor`.
 *
 * A check asks the kernel or the processor itself where it can (a call tried,
 * a CPUID bit) and reads versions and settings only to explain. What hardware
 * isolation alone needs warns, since the daemon then falls back to software
 * isolation; with need_mpk it fails. Client process; changes nothing: rings
 * and keys are given back.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "cli/doctor.h"
#include "core/maps.h"
#include "util/cpu.h"

#define KEYS_WANTED 15 /* all the hardware has but key 0 */
#define MEMLOCK_WANTED (8u << 20)
/* What native functions may have of the descriptors: daemon/start.c. */
#define LAYOUT_FILES(n) ((n) - (n) / 4)
#define MAPS_NATIVE 5 /* mappings of an isolate of a small native function */
#define FILES_SPARE 64
#define HWCAP2_FSGSBASE_BIT (1u << 1)

__attribute__((format(printf, 3, 4))) static struct doctor_result *found(
	struct doctor_result *r, enum doctor_verdict v, const char *fmt, ...)
{
	va_list ap;

	r->verdict = v;
	va_start(ap, fmt);
	(void)vsnprintf(r->found, sizeof(r->found), fmt, ap);
	va_end(ap);
	return r;
}

__attribute__((format(printf, 2, 3))) static void fix(
	struct doctor_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->fix, sizeof(r->fix), fmt, ap);
	va_end(ap);
}

/* Verdict on something hardware isolation needs and has not. */
static enum doctor_verdict lacking(const struct doctor *d)
{
	return d->need_mpk ? DOCTOR_FAIL : DOCTOR_WARN;
}

/* First line of a file under root; false if there is none. */
static bool read_line(
	const struct doctor *d, const char *path, char *ret_line, int size)
{
	char full[512];
	FILE *f;
	bool ok;

	(void)snprintf(full, sizeof(full), "%s%s", d->root, path);
	f = fopen(full, "re");
	if (!f)
		return false;
	ok = fgets(ret_line, size, f) != NULL;
	(void)fclose(f);
	if (ok)
		ret_line[strcspn(ret_line, "\n")] = '\0';
	return ok;
}

static bool read_number(
	const struct doctor *d, const char *path, long *ret_value)
{
	char line[64], *end;
	long v;

	if (!read_line(d, path, line, sizeof(line)))
		return false;
	v = strtol(line, &end, 10);
	if (end == line || *end != '\0')
		return false;
	*ret_value = v;
	return true;
}

/* Processor and keys ------------------------------------------------------- */

static void check_pku(struct doctor *d, struct doctor_result *r)
{
	unsigned a, b, c = 0, e;
	bool cpu, os;

	if (!__get_cpuid_count(7, 0, &a, &b, &c, &e))
		c = 0;
	cpu = c & (1u << 3);
	os = c & (1u << 4);
	if (cpu && os)
		found(r, DOCTOR_OK, "processor has PKU, kernel has it on");
	else if (cpu)
		fix(found(r, lacking(d),
			    "processor has PKU, kernel has it off"),
			"remove nopku from the kernel command line; needs "
			"CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS=y");
	else
		fix(found(r, lacking(d),
			    "no PKU in this processor; isolation "
			    "is by software"),
			"Intel Xeon since Skylake, AMD since Zen 3; in a "
			"virtual machine pass the flag pku through");
}

static void check_keys(struct doctor *d, struct doctor_result *r)
{
	int keys[KEYS_WANTED], n = 0, error;

	while (n < KEYS_WANTED &&
		(keys[n] = (int)syscall(SYS_pkey_alloc, 0UL, 0UL)) >= 0)
		n++;
	error = errno;
	for (int i = 0; i < n; i++)
		(void)syscall(SYS_pkey_free, keys[i]);
	if (n == KEYS_WANTED)
		found(r, DOCTOR_OK, "%d protection keys", n);
	else if (n > 2)
		fix(found(r, DOCTOR_WARN, "%d of %d protection keys", n,
			    KEYS_WANTED),
			"something in this process took the others, a "
			"preloaded library perhaps");
	else
		fix(found(r, lacking(d), "pkey_alloc: %s", strerror(error)),
			"%s",
			error == EPERM || error == ENOSYS
				? "allow pkey_alloc, pkey_mprotect and "
				  "pkey_free in the container's seccomp profile"
				: "see pku above");
}

static void check_fsgsbase(struct doctor *d, struct doctor_result *r)
{
	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT)
		found(r, DOCTOR_OK, "instructions usable");
	else
		fix(found(r, lacking(d), "off"),
			"Linux 5.9 or later without nofsgsbase on the kernel "
			"command line");
}

static void check_meltdown(struct doctor *d, struct doctor_result *r)
{
	char line[128];

	switch (cpu_meltdown(d->root, line, sizeof(line))) {
	case CPU_MELTDOWN_SAFE:
		found(r, DOCTOR_OK, "not affected");
		break;
	case CPU_MELTDOWN_UNKNOWN:
		fix(found(r, DOCTOR_WARN, "unknown: the kernel does not say"),
			"mount /sys, or look the processor up");
		break;
	case CPU_MELTDOWN_AFFECTED:
		fix(found(r, lacking(d),
			    "%s: such a processor can read past "
			    "protection keys speculatively",
			    line),
			"page table isolation does not help inside one "
			"process; use a processor that is not affected");
		break;
	}
}

/* Kernel ------------------------------------------------------------------- */

bool doctor_release_at_least(const char *release, int major, int minor)
{
	int have_major, have_minor;

	if (sscanf(release, "%d.%d", &have_major, &have_minor) != 2)
		return false;
	return have_major > major ||
	       (have_major == major && have_minor >= minor);
}

static void check_kernel(struct doctor *d, struct doctor_result *r)
{
	struct utsname u;

	CHECK(uname(&u) == 0);
	if (doctor_release_at_least(u.release, 6, 12))
		found(r, DOCTOR_OK, "%s", u.release);
	else if (doctor_release_at_least(u.release, 6, 1))
		fix(found(r, lacking(d), "%s: hardware isolation needs 6.12",
			    u.release),
			"a newer kernel; Debian 12 has "
			"linux-image-6.12.*+deb12 in its security suite");
	else
		fix(found(r, DOCTOR_FAIL,
			    "%s: needs 6.1, with hardware "
			    "isolation 6.12",
			    u.release),
			"a newer kernel");
}

static void check_seccomp(struct doctor *d, struct doctor_result *r)
{
	uint32_t action = SECCOMP_RET_TRAP;

	(void)d;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		found(r, DOCTOR_OK, "filters usable%s",
			prctl(PR_GET_SECCOMP) == 2 ? ", one is on already"
						   : "");
	else
		fix(found(r, DOCTOR_FAIL, "%s", strerror(errno)),
			"a kernel with CONFIG_SECCOMP_FILTER=y");
}

static void check_dispatch(struct doctor *d, struct doctor_result *r)
{
	/* Turning it off for this thread changes nothing: it never was on. */
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0UL, 0UL,
		    0UL) == 0)
		found(r, DOCTOR_OK, "usable");
	else
		fix(found(r, lacking(d), "%s", strerror(errno)),
			"Linux 5.11 or later, CONFIG_GENERIC_ENTRY=y");
}

static void check_uring(struct doctor *d, struct doctor_result *r)
{
	struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER |
					     IORING_SETUP_DEFER_TASKRUN};
	AUTO_CLOSE int fd = (int)syscall(SYS_io_uring_setup, 8, &p);
	int error = errno;
	long disabled;

	if (fd >= 0)
		found(r, DOCTOR_OK, "ring set up");
	else if (read_number(
			 d, "/proc/sys/kernel/io_uring_disabled", &disabled) &&
		 disabled != 0)
		fix(found(r, DOCTOR_FAIL, "kernel.io_uring_disabled is %ld",
			    disabled),
			"sysctl -w kernel.io_uring_disabled=0");
	else if (error == EINVAL)
		fix(found(r, DOCTOR_FAIL, "too old for DEFER_TASKRUN"),
			"Linux 6.1 or later");
	else
		fix(found(r, DOCTOR_FAIL, "io_uring_setup: %s",
			    strerror(error)),
			"%s",
			error == ENOSYS
				? "a kernel with CONFIG_IO_URING=y"
				: "allow io_uring_setup, io_uring_enter and "
				  "io_uring_register in the container's "
				  "seccomp "
				  "profile");
}

static void check_clocksource(struct doctor *d, struct doctor_result *r)
{
	char name[64];

	if (!read_line(d,
		    "/sys/devices/system/clocksource/clocksource0/"
		    "current_clocksource",
		    name, sizeof(name)))
		found(r, DOCTOR_WARN, "unknown: the kernel does not say");
	else if (strcmp(name, "hpet") != 0 && strcmp(name, "acpi_pm") != 0 &&
		 strcmp(name, "jiffies") != 0)
		found(r, DOCTOR_OK, "%s", name);
	else
		fix(found(r, DOCTOR_WARN,
			    "%s: reading the time is a slow system call", name),
			"boot with clocksource=tsc tsc=reliable if the "
			"processor's counter is steady");
}

/* Limits ------------------------------------------------------------------- */

static void check_nofile(struct doctor *d, struct doctor_result *r)
{
	rlim_t wanted = (rlim_t)d->connections + FILES_SPARE;
	struct rlimit lim;

	CHECK(getrlimit(RLIMIT_NOFILE, &lim) == 0);
	if (lim.rlim_max >= wanted)
		found(r, DOCTOR_OK, "%llu, %llu at most: %llu native functions",
			(unsigned long long)lim.rlim_cur,
			(unsigned long long)lim.rlim_max,
			(unsigned long long)LAYOUT_FILES(lim.rlim_max));
	else
		fix(found(r, DOCTOR_WARN,
			    "%llu at most; %u connections want "
			    "%llu",
			    (unsigned long long)lim.rlim_max, d->connections,
			    (unsigned long long)wanted),
			"ulimit -n %llu, LimitNOFILE=%llu in the unit, or a "
			"smaller limits.connections",
			(unsigned long long)wanted, (unsigned long long)wanted);
}

static void check_memlock(struct doctor *d, struct doctor_result *r)
{
	struct rlimit lim;

	(void)d;
	CHECK(getrlimit(RLIMIT_MEMLOCK, &lim) == 0);
	if (lim.rlim_cur == RLIM_INFINITY)
		found(r, DOCTOR_OK, "unlimited");
	else if (lim.rlim_cur >= MEMLOCK_WANTED)
		found(r, DOCTOR_OK, "%llu KiB",
			(unsigned long long)lim.rlim_cur / 1024);
	else
		fix(found(r, DOCTOR_WARN, "%llu KiB; rings may want more",
			    (unsigned long long)lim.rlim_cur / 1024),
			"ulimit -l %u, or LimitMEMLOCK=8M in the unit",
			MEMLOCK_WANTED / 1024);
}

static void check_maps(struct doctor *d, struct doctor_result *r)
{
	long have = 0, room;
	long wanted = MAPS_ISOLATE * (long)d->isolates + MAPS_SPARE;

	bool known = read_number(d, "/proc/sys/vm/max_map_count", &have);

	room = (long)maps_for_isolates((size_t)have);
	if (!known)
		fix(found(r, DOCTOR_WARN, "unknown: no vm.max_map_count"),
			"mount /proc");
	else if (have >= wanted)
		found(r, DOCTOR_OK,
			"%ld, enough for %ld isolates, or %ld small native "
			"ones",
			have, room / MAPS_ISOLATE, room / MAPS_NATIVE);
	else
		fix(found(r, DOCTOR_WARN, "%ld; %u isolates want %ld", have,
			    d->isolates, wanted),
			MAPS_FIX ", or a smaller limits.isolates",
			maps_advice((size_t)have, d->isolates));
}

/* Not the machine's fault, but what people look for here. */
static void check_shares(struct doctor *d, struct doctor_result *r)
{
	(void)d;
	found(r, DOCTOR_OK,
		"per tenant by gvisord itself (tenants.NAME.cpu_percent): no "
		"cgroup need be writable");
}

static const struct {
	const char *name;
	void (*run)(struct doctor *d, struct doctor_result *r);
} checks[] = {
	{"pku", check_pku},
	{"protection keys", check_keys},
	{"fsgsbase", check_fsgsbase},
	{"meltdown", check_meltdown},
	{"kernel", check_kernel},
	{"seccomp", check_seccomp},
	{"syscall user dispatch", check_dispatch},
	{"io_uring", check_uring},
	{"clocksource", check_clocksource},
	{"open files", check_nofile},
	{"locked memory", check_memlock},
	{"vm.max_map_count", check_maps},
	{"cpu shares", check_shares},
};

#define N_CHECKS (sizeof(checks) / sizeof(checks[0]))

_Static_assert(N_CHECKS <= DOCTOR_RESULTS_MAX, "room for every result");

void doctor_examine(struct doctor *d)
{
	memset(d->results, 0, sizeof(d->results));
	d->n = N_CHECKS;
	for (size_t i = 0; i < N_CHECKS; i++) {
		d->results[i].check = checks[i].name;
		checks[i].run(d, &d->results[i]);
		CHECK(d->results[i].found[0]);
	}
}

enum doctor_verdict doctor_verdict(const struct doctor *d)
{
	enum doctor_verdict worst = DOCTOR_OK;

	for (size_t i = 0; i < d->n; i++) {
		if (d->results[i].verdict > worst)
			worst = d->results[i].verdict;
	}
	return worst;
}
