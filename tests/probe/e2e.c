/*
 * The attacks over REST: each deed of the probe engine against a daemon on real
 * keys. The client must get the typed error; the daemon must be the same
 * process with the same threads; a neighbour must be served and be whole.
 *
 * usage: e2e GVISORD-PROBE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/probe/daemon.h"
#include "tests/security/tap.h"

enum {
	CROWD = 24, /* isolates, more than there are keys */
};

static struct daemon the_daemon;
static struct client client;
static struct reply reply;

static const char hurt_code[] = "Sandbox.MemoryViolation";
static const char denied_code[] = "Sandbox.SyscallDenied";
static const char crashed_code[] = "Function.Crashed";
static const char timeout_code[] = "Sandbox.Timeout";

/* The neighbour answers, and nothing of it has changed. */
static bool neighbour_well(void)
{
	client_invoke(&client, "neighbour", "echo how are you", &reply);
	if (reply.status != 200 || strcmp(reply.body, "how are you") != 0)
		return false;
	client_invoke(&client, "neighbour", "check", &reply);
	return reply.status == 200 && strcmp(reply.body, "whole") == 0;
}

static void say_reply(void)
{
	tap_say("status %d: %.300s", reply.status, reply.body);
}

/* Asks for a deed; it must fail with `code`, and cost nobody else anything. */
static void refuse(const char *code, const char *name, const char *deed)
{
	bool good;

	client_invoke(&client, "attacker", deed, &reply);
	good = strcmp(reply.code, code) == 0 &&
	       reply.status == (code == timeout_code ? 504 : 502);
	if (!tap_ok(good, "%s: %s", name, code))
		say_reply();
	if (!tap_ok(daemon_same(&the_daemon) && neighbour_well(),
		    "%s: same threads, neighbour served", name))
		say_reply();
}

static uint64_t ask(const char *function, const char *what)
{
	client_invoke(&client, function, what, &reply);
	if (reply.status != 200)
		say_reply();
	return strtoull(reply.body, NULL, 16);
}

static void refuse_at(const char *code, const char *name, const char *deed,
	uint64_t at, const char *more)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "%s %lx%s", deed, at, more);
	refuse(code, name, text);
}

static void try_memory(void)
{
	uint64_t data = ask("attacker", "where data");
	uint64_t thread = ask("attacker", "where thread");
	uint64_t page = ask("attacker", "where page");
	uint64_t libc = ask("attacker", "where libc");
	uint64_t text = ask("attacker", "where text");
	uint64_t other = ask("neighbour", "self");
	char stack[32];

	(void)snprintf(stack, sizeof(stack), " %lx", data + 4096);
	refuse_at(hurt_code, "read .data", "read", data, "");
	refuse_at(hurt_code, "write .data", "write", data, "");
	refuse_at(hurt_code, "read gate_thread", "read", thread, "");
	refuse_at(hurt_code, "write gate_thread", "write", thread, "");
	refuse_at(hurt_code, "write the gate page", "write", page, "");
	refuse_at(hurt_code, "write the selector", "write", page + 40, "");
	refuse_at(hurt_code, "write libc's data", "write", libc, "");
	refuse_at(hurt_code, "write text", "write", text, "");
	refuse_at(hurt_code, "read the neighbour", "read", other, "");
	refuse_at(hurt_code, "write the neighbour", "write", other, "");
	refuse_at(hurt_code, "read without GS", "gsread", data, "");
	refuse_at(
		hurt_code, "read on a trusted stack", "stackread", data, stack);
	refuse_at(crashed_code, "trap on the neighbour's stack", "stacktrap",
		other + 32, "");
	refuse_at(crashed_code, "trap on a trusted stack", "stacktrap",
		data + 4096, "");
	refuse_at(crashed_code, "read of nothing", "read", 8, "");
}

static void try_calls(void)
{
	static const unsigned calls[] = {0, 1, 9, 39, 56, 60, 231};
	char name[64], deed[64];

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		(void)snprintf(name, sizeof(name), "system call %u", calls[i]);
		(void)snprintf(deed, sizeof(deed), "syscall %x", calls[i]);
		refuse(denied_code, name, deed);
	}
	refuse(denied_code, "int 0x80", "int80 14");
}

static void try_faults(void)
{
	refuse(crashed_code, "UD2", "trap");
	refuse(crashed_code, "division by zero", "divide");
	refuse(crashed_code, "stack overflow", "overflow");
	refuse(timeout_code, "endless loop", "spin");
	refuse(timeout_code, "endless loop in the daemon's text", "spintext");
	refuse(timeout_code, "endless hostcalls", "callspin");
	refuse("Function.OutOfMemory", "memory bomb", "bomb");
	refuse(crashed_code, "hostcall of no number", "hostcall 4d2");
	refuse(crashed_code, "jump to 0", "jump 0");
}

/* Past the end of the budget is other isolates' reserve, or nothing. */
static void try_flood(void)
{
	client_invoke(&client, "attacker", "flood", &reply);
	if (!tap_ok(strcmp(reply.code, crashed_code) == 0 ||
			    strcmp(reply.code, hurt_code) == 0,
		    "writes past the end of its memory: ended"))
		say_reply();
	tap_ok(daemon_same(&the_daemon) && neighbour_well(),
		"... same threads, neighbour served");
}

/* The runtime as a deputy: it must not hand out what isn't the caller's. */
static void try_deputy(void)
{
	uint64_t data = ask("attacker", "where data");
	uint64_t other = ask("neighbour", "self");
	uint64_t own = ask("attacker", "self");
	char deed[64];

	refuse_at(crashed_code, "reply out of .data", "reply", data, " 8");
	refuse_at(crashed_code, "reply out of the neighbour", "reply", other,
		" 40");
	refuse_at(crashed_code, "reply of its own and much more", "reply", own,
		" 500000");
	refuse_at("Function.ResponseSizeTooLarge", "reply that wraps around",
		"reply", own, " ffffffffffffffff");
	refuse_at(crashed_code, "error text out of .data", "fail", data, " 8");
	refuse_at(crashed_code, "error text out of the neighbour", "fail",
		other, " 40");
	(void)snprintf(deed, sizeof(deed), "log %lx 40", other);
	client_invoke(&client, "attacker", deed, &reply);
	tap_ok(reply.status == 200 && neighbour_well(),
		"log out of the neighbour: no line");
}

/* More isolates than keys: most of them are parked when they are attacked. */
static void try_crowd(void)
{
	uint64_t at[CROWD];
	char name[32], deed[64];
	unsigned refused = 0, whole = 0;

	for (unsigned i = 0; i < CROWD; i++) {
		(void)snprintf(name, sizeof(name), "crowd%u", i);
		(void)client_deploy(&client, name, "text/x-probe", "x", "");
		at[i] = ask(name, "self");
	}
	for (unsigned i = 0; i < CROWD; i++) {
		(void)snprintf(deed, sizeof(deed), "read %lx", at[i]);
		client_invoke(&client, "attacker", deed, &reply);
		refused += strcmp(reply.code, hurt_code) == 0;
		(void)snprintf(deed, sizeof(deed), "write %lx", at[i]);
		client_invoke(&client, "attacker", deed, &reply);
		refused += strcmp(reply.code, hurt_code) == 0;
	}
	for (unsigned i = 0; i < CROWD; i++) {
		(void)snprintf(name, sizeof(name), "crowd%u", i);
		whole += ask(name, "self") == at[i];
		client_invoke(&client, name, "check", &reply);
		whole += strcmp(reply.body, "whole") == 0;
	}
	tap_ok(refused == 2 * CROWD,
		"reads and writes of %u isolates, most "
		"parked: all refused",
		CROWD);
	tap_ok(whole == 2 * CROWD, "... and all are the isolates they were");
}

static void try_process(void)
{
	char file[64];
	unsigned confined = 0;

	tap_ok(daemon_says(&the_daemon, "status", "NoNewPrivs:", "1"),
		"no_new_privs");
	tap_ok(daemon_says(&the_daemon, "limits", "Max core file size",
		       " 0                    0 "),
		"no core dumps");
	for (unsigned i = 0; i < the_daemon.n_tasks; i++) {
		(void)snprintf(file, sizeof(file), "task/%d/status",
			the_daemon.task[i]);
		confined += daemon_says(&the_daemon, file, "Seccomp:", "2");
	}
	tap_ok(confined == the_daemon.n_tasks, "%u of %u threads are filtered",
		confined, the_daemon.n_tasks);
}

int main(int argc, char **argv)
{
	static const char *const more[] = {
		"--require-mpk", "--set", "log.level=error", NULL};

	if (argc != 2)
		return 2;
	daemon_start(&the_daemon, argv[1], more);
	client_init(&client, &the_daemon);
	tap_ok(client_deploy(&client, "neighbour", "text/x-probe", "x", "") ==
			201,
		"deploy the neighbour");
	tap_ok(client_deploy(&client, "attacker", "text/x-probe", "x",
		       "?timeout_ms=200&memory_mb=4") == 201,
		"deploy the attacker");
	try_process();
	try_memory();
	try_calls();
	try_faults();
	try_flood();
	try_deputy();
	try_crowd();
	client_fini(&client);
	tap_ok(daemon_same(&the_daemon), "same process, same threads");
	tap_ok(daemon_stop(&the_daemon), "the daemon ends in peace");
	return tap_plan();
}
