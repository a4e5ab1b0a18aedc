/*
 * A native function writes to its own code, constants and relocated pointers,
 * before and after its isolate lost its key to others and got one back: rights
 * survive every change of keys, and smaps says the same. Control: with code and
 * constants tagged as all else is, it writes to them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	CROWD = 20, /* more than there are keys */
};

static struct live live;

static const struct {
	const char *place;
	const char *rights; /* as in maps */
} places[] = {
	{"code", "r-xp"},
	{"constant", "r--p"},
	{"relro", "r--p"},
	{"image", "r--p"},
};
enum {
	PLACES = sizeof(places) / sizeof(*places)
};

static void crowd(void)
{
	char name[32];

	for (unsigned i = 0; i < CROWD; i++) {
		(void)snprintf(name, sizeof(name), "crowd%u", i);
		if (live.reply.status < 500)
			(void)live_probe(&live, name, "x", "");
		live_do(&live, name, "check");
	}
}

/* Rights and key of the page at `at`. */
static bool look(uint64_t at, char rights[5], int *ret_key)
{
	char path[64], line[512];
	bool in = false, found = false;
	uint64_t from, to;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps", live.daemon.pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		char perms[5];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &from, &to,
			    perms) == 3) {
			in = at >= from && at < to;
			if (in)
				(void)memcpy(rights, perms, sizeof(perms));
		} else if (in) {
			found = sscanf(line, "ProtectionKey: %d", ret_key) == 1;
		}
	}
	if (f)
		(void)fclose(f);
	return found;
}

/* ret_key: of its data. */
static void as_they_were(const char *when, int *ret_key)
{
	uint64_t data = live_ask(&live, "attacker", "where self");
	char rights[5] = "";

	(void)look(data, rights, ret_key);
	attack_held(strcmp(rights, "rw-p") == 0 && *ret_key > 1,
		"%s: its data is %s, key %d", when, rights, *ret_key);
	for (unsigned i = 0; i < PLACES; i++) {
		int key = -1;
		uint64_t at = live_ask(
			&live, "attacker", "where %s", places[i].place);

		(void)look(at, rights, &key);
		attack_held(strcmp(rights, places[i].rights) == 0 &&
				    key == *ret_key,
			"%s: %s is %s, key %d", when, places[i].place, rights,
			key);
	}
}

static void writes(const char *when)
{
	for (unsigned i = 0; i < PLACES; i++) {
		live_refused(&live, live_crashed, when, "write @%s",
			places[i].place);
		/* The next isolate reads it as it was, and runs it. */
		attack_held(live_ask(&live, "attacker", "read @%s",
				    places[i].place) != LIVE_MARK,
			"%s: %s is as it was", when, places[i].place);
	}
}

static void run(void)
{
	static const struct live_options all = {.without = "rights"};
	int key = 0, parked = 0, again = 0;
	uint64_t data;
	char rights[5];

	live_start(&live, NULL);
	writes("fresh");
	as_they_were("fresh", &key);
	data = live_ask(&live, "attacker", "where self");
	crowd();
	crowd();
	attack_held(look(data, rights, &parked) && parked != key,
		"it lost its key %d for %d", key, parked);
	live_do(&live, "attacker", "write %lx", data);
	attack_held(live.reply.status == 200, "it is back, and writes its own");
	as_they_were("after it lost its key", &again);
	attack_held(live_ask(&live, "attacker", "where self") == data,
		"it is the same isolate still");
	crowd();
	writes("after it lost its key");
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &all);
	for (unsigned i = 1; i < PLACES; i++) {
		live_do(&live, "attacker", "write @%s", places[i].place);
		attack_worked(live_ask(&live, "attacker", "read @%s",
				      places[i].place) == LIVE_MARK,
			"tagged as all else: %s written", places[i].place);
	}
	/* A word of its page that nobody runs. */
	data = live_ask(&live, "attacker", "where code") | 0xff8;
	live_do(&live, "attacker", "write %lx", data);
	attack_worked(
		live_ask(&live, "attacker", "read %lx", data) == LIVE_MARK,
		"tagged as all else: its code written");
	(void)live_stop(&live);
}

const struct attack attack_e18 = {
	.id = "E18",
	.name = "native: write to own code and constants, keys changing",
	.layer = "rights of pages, retagged",
	.off = "rights other than RW",
	.run = run,
};
