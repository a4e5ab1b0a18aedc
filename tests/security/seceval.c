/*
 * Runs the attacks and says how each ended, one JSON object a line. Told apart,
 * judged and made a table of by gvisord-seceval, which calls this where there
 * are protection keys.
 *
 * usage: seceval [--list] [--only ID,...] [--boot ARG] [--daemon PATH]
 *                [--soak SECONDS]
 *
 * Status 0: all that were chosen ran, however they ended. 77: no keys here.
 */
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "pkey/prim.h"
#include "sandbox/jail.h"
#include "tests/security/attack.h"

/* Made by meson of the names of the files. */
#include "tests/security/attacks/attack_list.h"

enum {
	TEXT_BYTES = 32 << 10,
	PATIENCE_MS = 280000,
	NO_KEYS = 77,
};

/* What the child that runs an attack tells. Shared memory. */
struct result {
	unsigned cases, held, controls, worked;
	bool ended;
	size_t len;
	char text[TEXT_BYTES]; /* lines */
};

struct choice {
	const char *only;
	const char *boot;
	bool list;
};

static struct result *result;
const char *attack_daemon;
unsigned attack_soak = 20;

/* Telling. ----------------------------------------------------------------- */

__attribute__((format(printf, 2, 0))) static void tell(
	const char *kind, const char *text, va_list ap)
{
	char *at = result->text + result->len;
	size_t room = sizeof(result->text) - result->len;
	int n = snprintf(at, room, "%s: ", kind);

	if (n > 0 && (size_t)n < room)
		n += vsnprintf(at + n, room - (size_t)n, text, ap);
	if (n < 0 || (size_t)n + 1 >= room) {
		*at = '\0';
		return;
	}
	result->len += (size_t)n + 1;
	at[n] = '\n';
	at[n + 1] = '\0';
}

bool attack_held(bool held, const char *text, ...)
{
	va_list ap;

	result->cases++;
	result->held += held;
	if (held)
		return true;
	va_start(ap, text);
	tell("breach", text, ap);
	va_end(ap);
	return false;
}

bool attack_worked(bool worked, const char *text, ...)
{
	va_list ap;

	result->controls++;
	result->worked += worked;
	if (worked)
		return true;
	va_start(ap, text);
	tell("control", text, ap);
	va_end(ap);
	return false;
}

void attack_say(const char *text, ...)
{
	va_list ap;

	va_start(ap, text);
	tell("detail", text, ap);
	va_end(ap);
}

void attack_note(const char *text, ...)
{
	va_list ap;

	va_start(ap, text);
	tell("note", text, ap);
	va_end(ap);
}

/* Running. ----------------------------------------------------------------- */

/* Its own process group: what an attack left running dies with it. */
static void run_child(const struct attack *a)
{
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	a->run();
	result->ended = true;
	_exit(0);
}

static void run_attack(const struct attack *a)
{
	pid_t pid;
	int status = 0;

	memset(result, 0, sizeof(*result));
	(void)fflush(NULL);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		run_child(a);
	for (unsigned ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms++) {
		if (ms == PATIENCE_MS + attack_soak * 1000)
			(void)kill(pid, SIGKILL);
		(void)usleep(1000);
	}
	(void)kill(-pid, SIGKILL);
	if (status != 0)
		attack_say("its process ended with status %#x", status);
}

static json_t *result_lines(void)
{
	json_t *lines = json_array();
	char *at = result->text;
	char *end;

	for (; (end = strchr(at, '\n')) != NULL; at = end + 1)
		(void)json_array_append_new(
			lines, json_stringn_nocheck(at, (size_t)(end - at)));
	return lines;
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static json_t *describe(const struct attack *a)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", a->id, "name",
		a->name, "layer", a->layer, "off", a->off, "boot",
		a->boot ? a->boot : "");
}

static void print(json_t *object)
{
	CHECK(object);
	(void)json_dumpf(object, stdout, JSON_COMPACT);
	(void)putchar('\n');
	(void)fflush(stdout);
	json_decref(object);
}

static void report(const struct attack *a)
{
	double from = now();
	json_t *object = describe(a);

	run_attack(a);
	CHECK(object &&
		json_object_update_new(object,
			json_pack("{s:i, s:i, s:i, s:i, s:b, s:f, s:o}",
				"cases", result->cases, "held", result->held,
				"controls", result->controls, "worked",
				result->worked, "ended", result->ended,
				"seconds", now() - from, "lines",
				result_lines())) == 0);
	print(object);
}

static bool chosen(const struct attack *a, const struct choice *c)
{
	const char *at = c->only;
	size_t n = strlen(a->id);

	if (c->boot && strcmp(c->boot, a->boot ? a->boot : "") != 0)
		return false;
	if (!at)
		return true;
	for (; *at; at += strcspn(at, ","), at += *at == ',')
		if (strncasecmp(at, a->id, n) == 0 &&
			(at[n] == ',' || at[n] == '\0'))
			return true;
	return false;
}

static void options(int argc, char **argv, struct choice *ret_choice)
{
	static const struct option known[] = {{"list", no_argument, NULL, 'l'},
		{"only", required_argument, NULL, 'o'},
		{"boot", required_argument, NULL, 'b'},
		{"daemon", required_argument, NULL, 'd'},
		{"soak", required_argument, NULL, 's'}, {0}};
	int o;

	while ((o = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (o == 'l')
			ret_choice->list = true;
		else if (o == 'o')
			ret_choice->only = optarg;
		else if (o == 'b')
			ret_choice->boot = optarg;
		else if (o == 'd')
			attack_daemon = optarg;
		else if (o == 's')
			attack_soak = (unsigned)strtoul(optarg, NULL, 10);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	struct choice choice = {0};
	const char *why = "";

	options(argc, argv, &choice);
	if (!choice.list && prim_probe(&why) != 0) {
		(void)fprintf(stderr, "no protection keys here: %s\n", why);
		return NO_KEYS;
	}
	(void)jail_no_core();
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(result != MAP_FAILED);
	for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++) {
		if (!chosen(attacks[i], &choice))
			continue;
		if (choice.list)
			print(describe(attacks[i]));
		else
			report(attacks[i]);
	}
	return 0;
}
