/*
 * Native functions with system calls in them are refused by default. Control:
 * where the configuration lets the bytes in they are admitted, and then it is
 * dispatch and seccomp that refuse the calls (G05).
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/forged.h"

static struct live live;
static struct good g;

static const struct {
	const char *name;
	uint8_t bytes[4];
	size_t len;
} calls[] = {
	{"SYSCALL", {0x0f, 0x05}, 2},
	{"SYSENTER", {0x0f, 0x34}, 2},
	{"INT 0x80", {0xcd, 0x80}, 2},
	{"SYSCALL with REX", {0x48, 0x0f, 0x05}, 3},
	{"in an immediate operand", {0xb8, 0x0f, 0x05, 0x00}, 4},
};
enum {
	CALLS = sizeof(calls) / sizeof(*calls)
};

static void make(unsigned i)
{
	forged_make(&g);
	(void)memcpy(g.text + 100, calls[i].bytes, calls[i].len);
}

static void run(void)
{
	static const struct live_options with = {.calls = true};
	const struct body body = {&g, sizeof(g)};
	struct body caller;

	live_start(&live, &with);
	for (unsigned i = 0; i < CALLS; i++) {
		make(i);
		attack_worked(forged_deploy(&live, &g, ""),
			"%s: admitted where that is wanted", calls[i].name);
	}
	/* A copy: the next start puts another in its place. */
	caller = live_planned(&live, "x");
	make(0);
	(void)memcpy(g.text2 + 7, forged_wrpkru, sizeof(forged_wrpkru));
	(void)forged_refused(&live, &body, "wrpkru",
		"nothing else comes in along with them");
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, NULL);
	for (unsigned i = 0; i < CALLS; i++) {
		make(i);
		(void)forged_refused(
			&live, &body, "system-call", "%s", calls[i].name);
	}
	(void)forged_refused(&live, &caller, "system-call",
		"a function of two calls, compiled");
	attack_held(live_stop(&live), "the daemon ends in peace");
}

const struct attack attack_a18 = {
	.id = "A18",
	.name = "native: code with system calls in it",
	.layer = "scan of the final image",
	.off = "that reason to refuse",
	.run = run,
};
