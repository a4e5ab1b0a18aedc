/*
 * The environment of whoever starts the daemon: variables that change loaders
 * and allocators have no effect, and what secrets it has are gone afterwards,
 * from the list and from memory. An isolate can't get at it either. Control:
 * with the environment left as it was.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"
#include "tests/security/observer.h"

enum {
	PIECE = 1 << 20,
	PAGE = 4096,
	HEX = 16,
	STARTS = 5,
};

static struct live live;
static struct observer eye;
static char secret[HEX + 1];

static const char *const variables[][2] = {
	{"LD_PRELOAD", "/tmp/evil.so"},
	{"LD_AUDIT", "/tmp/evil.so"},
	{"LD_LIBRARY_PATH", "/tmp"},
	{"LD_BIND_NOT", "1"},
	{"GLIBC_TUNABLES", "glibc.malloc.perturb=85:glibc.pthread.rseq=1:"
			   "glibc.cpu.hwcaps=-AVX2_Usable"},
	{"MALLOC_PERTURB_", "85"},
	{"MALLOC_CHECK_", "3"},
	{"MALLOC_TOP_PAD_", "16777216"},
	{"GCONV_PATH", "/tmp"},
	{"LOCPATH", "/tmp"},
	{"LUA_INIT", "os.exit(1)"},
	{"LUA_PATH", "/tmp/?.lua"},
	{"LUA_CPATH", "/tmp/?.so"},
	{"TZDIR", "/tmp"},
};

/* Not by value: this program's memory is copied by none, but it is tidy. */
static void set_all(void)
{
	char line[64];

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		(void)setenv(variables[i][0], variables[i][1], 1);
	(void)snprintf(secret, sizeof(secret), "%08x%08x",
		(unsigned)getpid() * 2654435761u, 0x5ec2e7u);
	(void)snprintf(line, sizeof(line), "token=%s", secret);
	(void)setenv("DATABASE_SECRET", line, 1);
}

/* Most of the daemon's address space is reserved and never touched. */
static bool present(int pagemap, uint64_t from, uint64_t len)
{
	static uint64_t entry[PIECE / PAGE];
	size_t bytes = len / PAGE * sizeof(*entry);

	if (pread(pagemap, entry, bytes,
		    (off_t)(from / PAGE * sizeof(*entry))) != (ssize_t)bytes)
		return true;
	for (size_t i = 0; i < bytes / sizeof(*entry); i++)
		if (entry[i] >> 62)
			return true;
	return false;
}

static void find_in(int pagemap, uint64_t from, uint64_t to, unsigned *n)
{
	static char piece[PIECE];

	for (; from < to; from += PIECE) {
		uint64_t len = to - from < PIECE ? to - from : PIECE;
		char *at = piece, *end = piece + len;

		if (!present(pagemap, from, len) ||
			!observer_read(&eye, from, piece, len))
			continue;
		while ((at = memmem(at, (size_t)(end - at), secret, HEX))) {
			if ((*n)++ == 0)
				attack_say("the secret at %#" PRIx64,
					from + (uint64_t)(at - piece));
			at += HEX;
		}
	}
}

/* How often the secret is in the daemon's memory. */
static unsigned find(void)
{
	char path[64], line[512], perms[5];
	uint64_t from, to;
	unsigned n = 0;
	int pagemap;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/pagemap", live.daemon.pid);
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", live.daemon.pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &to,
			    perms) == 3 &&
			perms[0] == 'r' && perms[1] == 'w')
			find_in(pagemap, from, to, &n);
	if (f)
		(void)fclose(f);
	if (pagemap >= 0)
		(void)close(pagemap);
	return n;
}

/* Whether /proc shows a name in the environment. */
static bool shown(const char *name)
{
	char path[64], text[16384];
	size_t len = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", live.daemon.pid);
	f = fopen(path, "re");
	if (f) {
		len = fread(text, 1, sizeof(text), f);
		(void)fclose(f);
	}
	return memmem(text, len, name, strlen(name));
}

static bool maps_have(const char *name)
{
	return daemon_maps(&live.daemon, name);
}

static void inside(void)
{
	/* The list's address is the C library's and can be read; the list and
	 * the strings can't. */
	uint64_t list = live_ask(
		&live, "attacker", "read %lx", live_where(&live, "environ"));

	attack_held(list != 0, "an isolate reads where the list is");
	live_refused(&live, live_hurt, "the list", "read %lx", list);
}

/* With one arena for all threads, one that may not wait for a lock is soon
 * where it has to. */
static void starts(void)
{
	const char *const more[] = {
		"--isolation", "mpk", "--set", "log.level=error", NULL};
	struct daemon d;

	(void)setenv("MALLOC_ARENA_MAX", "1", 1);
	for (unsigned i = 0; i < STARTS; i++) {
		bool good = daemon_try(&d, attack_daemon, more);

		attack_held(good && daemon_stop(&d),
			"it starts with MALLOC_ARENA_MAX=1");
	}
	(void)unsetenv("MALLOC_ARENA_MAX");
}

static void run(void)
{
	static const struct live_options none = {.without = "env"};

	starts();
	set_all();
	live_start(&live, NULL);
	if (!observer_init(&eye, live.daemon.pid, attack_say))
		return;
	attack_held(
		!maps_have("evil") && !maps_have(".so"), "nothing was loaded");
	inside();
	/* Of the tunables the C library has put a copy into the list, before
	 * main(): the text that /proc shows is nobody's any more. */
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		if (strcmp(variables[i][0], "GLIBC_TUNABLES") != 0)
			attack_held(!shown(variables[i][0]), "%s is gone",
				variables[i][0]);
	attack_held(!shown("DATABASE_SECRET"), "the secret's name is gone");
	attack_held(find() == 0, "the secret is not in the daemon's memory");
	attack_held(live_well(&live), "the neighbour is whole");
	attack_held(live_stop(&live), "the daemon ends in peace");
	observer_fini(&eye);

	live_start(&live, &none);
	if (!observer_init(&eye, live.daemon.pid, attack_say))
		return;
	attack_worked(shown("DATABASE_SECRET"), "left as it was, it is shown");
	attack_worked(find() > 0, "left as it was, it is in memory");
	(void)live_stop(&live);
}

const struct attack attack_g13 = {
	.id = "G13",
	.name = "the starter's environment: loader variables, secrets",
	.layer = "emptied at start, key 0",
	.off = "emptying it",
	.run = run,
};
