/*
 * Correctness under churn: a thousand functions, 64 clients, a hundred isolates
 * that have to do for all of them, so that isolates end, slots are used again
 * and keys change hands all the time; errors, timeouts, memory bombs and, where
 * native code runs, crashes and writes to neighbours mixed in. Every answer
 * says which isolate it is of and whether its canaries are whole (canary.h).
 * Afterwards nothing is lost: memory, mappings, descriptors, isolates, keys.
 *
 * usage: churn [--mpk] [--few-keys] [--native FILE.so] [--seconds N]
 *              [--functions N] [--isolates N] [--control hurt|audit]
 *              DAEMON [ARGUMENT ...]
 *
 * With --few-keys the daemon has to have two, by its arguments, so that calls
 * wait for keys. With --control something is wrong with the daemon, by its
 * arguments, and what is wanted is that it shows: hurt: in the canaries, for a
 * daemon without keys because its functions write into each other; audit: the
 * daemon's audit ends it.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/probe/daemon.h"
#include "tests/stress/canary.h"
#include "tests/stress/churn_load.h"
#include "tests/stress/tap.h"

enum {
	ISOLATES = 100,
	FUNCTIONS = 1000,
	FEW = 60, /* of controls */
	FIRST_S = 2,
	ARGS_MAX = 24,
	LEAVE_S = 20, /* isolates end within so long, spares too */
	LOOKS = 5,
	RSS_SLACK = 4 << 20,
	MAPS_SLACK = 16, /* and one for each slot: see compare() */
	OBJECT_MAX = 256 << 10,
	DEATH_MS = 60000,
};

enum control {
	NONE,
	HURT,
	AUDIT
};

static struct {
	bool mpk, few_keys;
	unsigned functions, isolates, seconds;
	enum control control;
	const char *daemon;
	const char *more[ARGS_MAX];
} options = {.functions = FUNCTIONS, .isolates = ISOLATES, .seconds = 20};

static struct daemon the_daemon;

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The daemon. -------------------------------------------------------------- */

static int64_t ask(const char *request, const char *body, const char *key)
{
	static struct reply r;
	struct client c;

	client_init(&c, &the_daemon);
	client_send(&c, request, "", body, &r);
	client_fini(&c);
	return reply_number(&r, key);
}

/* False: it ended at its start. */
static bool start(void)
{
	static char isolates[32];
	const char *more[ARGS_MAX + 12];
	size_t n = 0;

	(void)snprintf(isolates, sizeof(isolates), "limits.isolates=%u",
		options.isolates);
	more[n++] = "--isolation";
	more[n++] = options.mpk ? "mpk" : "software";
	if (!options.mpk && churn.native.bytes)
		more[n++] = "--unsafe-native";
	more[n++] = "--workers";
	more[n++] = "2";
	more[n++] = "--set";
	more[n++] = isolates;
	more[n++] = "--set";
	more[n++] = "limits.queue_wait_ms=60000";
	more[n++] = "--set";
	more[n++] = "log.level=error";
	for (unsigned i = 0; options.more[i]; i++)
		more[n++] = options.more[i];
	more[n] = NULL;
	return daemon_try(&the_daemon, options.daemon, more);
}

/* True: no isolate is left, and none has a key. */
static bool all_left(void)
{
	uint64_t until = now_ms() + LEAVE_S * 1000;
	int64_t left, held;

	do {
		(void)usleep(50000);
		left = ask("GET /v1/isolates", NULL, "total");
		held = ask("GET /v1/info", NULL, "held");
	} while ((left != 0 || held != 0) && now_ms() < until);
	return left == 0 && held == 0;
}

/* The whole. --------------------------------------------------------------- */

static void nap(unsigned seconds)
{
	uint64_t until = now_ms() + seconds * 1000ull;

	while (now_ms() < until)
		(void)usleep(20000);
}

static void round_of(unsigned seconds)
{
	uint64_t begin = now_ms();

	churn_start(CHURN_DEPLOY);
	churn_join();
	tap_say("%u functions deployed in %" PRIu64 " ms", churn.functions,
		now_ms() - begin);
	churn_start(CHURN_CALL);
	nap(seconds);
	churn_join();
	churn_start(CHURN_REMOVE);
	churn_join();
}

static void compare(const struct daemon_use *a, const struct daemon_use *b)
{
	tap_say("before: %u descriptors, %u mappings, %" PRIu64
		" KiB; after: %u, %u, %" PRIu64,
		a->fds, a->maps, a->rss >> 10, b->fds, b->maps, b->rss >> 10);
	tap_ok(b->fds <= a->fds, "no descriptor lost");
	/* Where a slot is mapped to less than it was, what is left over has a
	 * key of its own and does not become one with the next slot's guard. */
	tap_ok(b->maps <= a->maps + MAPS_SLACK + options.isolates,
		"no mapping lost");
	tap_ok(b->rss <= a->rss + RSS_SLACK, "no memory lost");
	tap_ok(daemon_same(&the_daemon), "same process, same threads");
	tap_ok(daemon_files(&the_daemon, "gvisord-code") == 0,
		"no native code left");
}

/*
 * Were an isolate lost, there would be fewer. And slots are then as they were
 * the last time this was done: each mapped for the same function, and empty.
 */
static bool try_all_isolates(void)
{
	char source[CANARY_SOURCE], body[64];
	struct reply *r = calloc(1, sizeof(*r));
	struct client c;
	bool good;

	canary_lua("last", source);
	client_init(&c, &the_daemon);
	good = r && client_deploy(&c, "last", "text/x-lua", source,
			    "?memory_mb=4") == 201;
	(void)snprintf(
		body, sizeof(body), "{\"isolates\":%u}", options.isolates);
	good = ask("POST /v1/functions/default/last/warm", body, "isolates") ==
		       (int64_t)options.isolates &&
	       good;
	client_delete(&c, "last", r);
	client_fini(&c);
	good = good && r->status == 204;
	free(r);
	return good && all_left();
}

/* After a round whose functions are gone. */
static void clean_up(struct daemon_use *ret_use)
{
	struct daemon_use use;

	tap_ok(all_left(), "isolates of removed functions end, no key is lost");
	tap_ok(try_all_isolates(), "all %u isolates can be had",
		options.isolates);
	/* Its last client may not have left yet. */
	daemon_use(&the_daemon, ret_use);
	for (unsigned i = 0; i < LOOKS; i++) {
		(void)usleep(50000);
		daemon_use(&the_daemon, &use);
		if (use.fds <= ret_use->fds)
			*ret_use = use;
	}
}

static void tell_waits(void)
{
	int64_t waits = ask("GET /v1/domains", NULL, "waits");
	int64_t keys = ask("GET /v1/info", NULL, "keys\":{\"total");

	tap_ok(waits > 0 && keys == 2,
		"of %" PRId64 " keys all were in use %" PRId64
		" times when one was wanted",
		keys, waits);
}

static void tell(unsigned seconds)
{
	uint64_t isolates, most;

	canary_count(&isolates, &most);
	tap_ok(churn.wrong == 0 && churn.deaths > 0,
		"%" PRIu64 " answers, %" PRIu64 " errors and deaths, %" PRIu64
		" of them wrong",
		churn.answers, churn.deaths, churn.wrong);
	tap_ok(canary_no_gap(), "every isolate counted its calls");
	tap_ok(isolates > options.isolates && most > 1,
		"%" PRIu64 " isolates, one of which answered %" PRIu64 " times",
		isolates, most);
	tap_say("%" PRIu64 " calls per second",
		(churn.answers + churn.deaths) / (seconds ? seconds : 1));
	if (options.mpk) {
		int64_t evict = ask("GET /v1/domains", NULL, "evict");

		tap_ok(evict > (int64_t)options.isolates,
			"keys changed hands %" PRId64 " times", evict);
		if (options.few_keys)
			tell_waits();
	}
}

static void cases(void)
{
	struct daemon_use before, after;

	if (!tap_ok(start(), "the daemon starts"))
		return;
	round_of(FIRST_S);
	clean_up(&before);
	round_of(options.seconds);
	tell(FIRST_S + options.seconds);
	clean_up(&after);
	compare(&before, &after);
	tap_ok(daemon_stop(&the_daemon), "the daemon ends in peace");
}

/* Controls. ---------------------------------------------------------------- */

static void control_hurt(void)
{
	if (!tap_ok(start(), "the daemon starts"))
		return;
	round_of(FIRST_S);
	tap_ok(churn.hurt > 0,
		"%" PRIu64 " of %" PRIu64 " canaries are wrong, and it shows",
		churn.hurt, churn.answers);
	(void)daemon_kill(&the_daemon);
}

/* What the daemon says is kept in `file`. */
static bool start_into(const char *file)
{
	int mine = dup(STDERR_FILENO);
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool started;

	(void)dup2(fd, STDERR_FILENO);
	started = start();
	(void)dup2(mine, STDERR_FILENO);
	(void)close(mine);
	(void)close(fd);
	return started;
}

static bool file_says(const char *file, const char *what)
{
	bool found = false;
	char line[4096];
	FILE *f = fopen(file, "re");

	while (f && !found && fgets(line, sizeof(line), f)) {
		found = strstr(line, what);
		if (found)
			tap_say("%.300s", line);
	}
	if (f)
		(void)fclose(f);
	return found;
}

static void control_audit(void)
{
	char file[] = "/tmp/churn-XXXXXX";
	int fd = mkstemp(file), status;

	if (start_into(file)) {
		churn_start(CHURN_DEPLOY_AND_CALL);
		status = daemon_died(&the_daemon, DEATH_MS);
		churn_join();
		tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
			"the audit ends the daemon");
	}
	tap_ok(file_says(file, "memory is not as it should be"),
		"and says why");
	(void)close(fd);
	(void)unlink(file);
}

/* -------------------------------------------------------------------------- */

static bool read_native(const char *path)
{
	static char bytes[OBJECT_MAX];
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	churn.native.bytes = bytes;
	churn.native.len = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	return churn.native.len > 0;
}

static bool take(int option)
{
	switch (option) {
	case 'm':
		options.mpk = true;
		return true;
	case 'k':
		options.few_keys = true;
		return true;
	case 'n':
		return read_native(optarg);
	case 's':
		options.seconds = (unsigned)strtoul(optarg, NULL, 10);
		return true;
	case 'f':
		options.functions = (unsigned)strtoul(optarg, NULL, 10);
		return options.functions > 0;
	case 'i':
		options.isolates = (unsigned)strtoul(optarg, NULL, 10);
		return options.isolates > 1;
	case 'c':
		options.control = strcmp(optarg, "hurt") == 0 ? HURT : AUDIT;
		return true;
	default:
		return false;
	}
}

static bool parse(int argc, char **argv)
{
	static const struct option known[] = {
		{"mpk", no_argument, NULL, 'm'},
		{"few-keys", no_argument, NULL, 'k'},
		{"native", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 's'},
		{"functions", required_argument, NULL, 'f'},
		{"isolates", required_argument, NULL, 'i'},
		{"control", required_argument, NULL, 'c'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1)
		if (!take(option))
			return false;
	if (optind == argc || argc - optind >= ARGS_MAX)
		return false;
	options.daemon = argv[optind++];
	for (unsigned i = 0; optind < argc; i++)
		options.more[i] = argv[optind++];
	return true;
}

int main(int argc, char **argv)
{
	static void (*const parts[])(void) = {
		[NONE] = cases, [HURT] = control_hurt, [AUDIT] = control_audit};

	if (!parse(argc, argv)) {
		(void)fprintf(stderr, "usage: see churn.c\n");
		return 2;
	}
	canary_init();
	churn.daemon = &the_daemon;
	churn.functions = options.control == NONE ? options.functions : FEW;
	churn.poke = options.mpk || options.control == HURT;
	parts[options.control]();
	return tap_plan();
}
