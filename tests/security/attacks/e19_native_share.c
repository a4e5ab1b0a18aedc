/*
 * Two isolates of one native function: what one writes the other does not read,
 * while their code is the same pages; neither reads the other's. Control: with
 * the program's file mapped shared, and no seals that forbid it, one writes and
 * the other reads.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/security/attack.h"
#include "tests/security/forged.h"

enum {
	CLIENTS = 2,
	BUSY_US = 300000,
	PAGE = 4096,
};

static struct live live;
static struct client client[CLIENTS];
/* Two connections that are served by isolates of their own. */
static struct client *one, *two;

static uint64_t ask(struct client *c, const char *deed)
{
	client_invoke(c, "attacker", deed, &live.reply);
	return live.reply.status == 200 ? strtoull(live.reply.body, NULL, 16)
					: 0;
}

static void *keep_busy(void *reply)
{
	client_invoke(one, "busy", "1", reply);
	return NULL;
}

/* Each worker has isolates of its own. While the first connection's is busy,
 * another serves the second. */
static bool find_two(void)
{
	static const char loop[] = "return function() while true do end end";
	static struct reply reply;
	pthread_t thread;

	(void)live_lua(&live, "busy", loop, "?timeout_ms=1000");
	one = &client[0];
	two = &client[1];
	client_init(one, &live.daemon);
	if (pthread_create(&thread, NULL, keep_busy, &reply) != 0)
		return false;
	(void)usleep(BUSY_US);
	client_init(two, &live.daemon);
	client_invoke(two, "neighbour", "echo 1", &live.reply);
	return pthread_join(thread, NULL) == 0;
}

static void leave(void)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		client_fini(&client[i]);
	(void)live_stop(&live);
}

/* The page of memory behind an address; 0: there is none. */
static uint64_t frame(uint64_t at)
{
	char path[64];
	uint64_t entry = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/pagemap", live.daemon.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (off_t)(at / PAGE * 8)) !=
		sizeof(entry))
		entry = 0;
	(void)close(fd);
	return entry >> 63 ? entry & (((uint64_t)1 << 55) - 1) : 0;
}

static bool same_frame(const char *place)
{
	char deed[32];
	uint64_t a, b;

	(void)snprintf(deed, sizeof(deed), "where %s", place);
	a = frame(ask(one, deed));
	b = frame(ask(two, deed));
	return a && a == b;
}

static void cases(void)
{
	static const struct live_options twice = {.set = "workers=2"};
	uint64_t other;
	char deed[40];

	live_start(&live, &twice);
	if (!find_two())
		return;
	attack_held(ask(one, "where image") != ask(two, "where image"),
		"they are two");
	attack_held(same_frame("code"), "their code is the same page");
	attack_held(!same_frame("self"), "their data is not");
	attack_held(!same_frame("relro"), "nor are relocated pointers");
	client_invoke(one, "attacker", "write @self", &live.reply);
	attack_held(
		live.reply.status == 200 && ask(one, "read @self") == LIVE_MARK,
		"one writes its own data");
	attack_held(ask(two, "read @self") == LIVE_CANARY,
		"the other reads what was there");
	client_invoke(two, "attacker", "check", &live.reply);
	attack_held(strcmp(live.reply.body, "whole") == 0, "and is whole");
	other = ask(one, "where self");
	(void)snprintf(deed, sizeof(deed), "read %lx", (unsigned long)other);
	client_invoke(two, "attacker", deed, &live.reply);
	attack_held(live_is(&live, live_hurt) && live_well(&live),
		"the other can't read it where it is");
	leave();
}

/* A function that counts its calls. */
static bool deploy_counter(void)
{
	static struct good g;
	uint8_t code[FORGED_CODE_MAX];
	size_t n = forged_count(
		code, (int32_t)(offsetof(struct good, table[7]) -
				offsetof(struct good, text) - GOOD_ENTRY));

	forged_make(&g);
	(void)memcpy(g.text + GOOD_ENTRY, code, n);
	return forged_deploy(&live, &g, "");
}

static uint64_t count(struct client *c)
{
	uint64_t n = 0;

	client_invoke(c, "forged", "12345678", &live.reply);
	if (live.reply.status == 200 && live.reply.len == sizeof(n))
		(void)memcpy(&n, live.reply.body, sizeof(n));
	return n;
}

static unsigned isolates(void)
{
	static const char name[] = "/forged\"";
	unsigned n = 0;

	client_send(&live.client, "GET /v1/isolates", "", NULL, &live.reply);
	for (const char *at = live.reply.body; (at = strstr(at, name)); at++)
		n++;
	return n;
}

/* Two isolates, a call each. */
static uint64_t counts(const char *without)
{
	const struct live_options opt = {
		.set = "workers=2", .without = without};
	uint64_t n;

	live_start(&live, &opt);
	if (!deploy_counter() || !find_two())
		return 0;
	n = count(one);
	n = n == 1 ? count(two) : 0;
	if (isolates() != 2)
		attack_say("not two isolates, but %u", isolates());
	leave();
	return n;
}

static void run(void)
{
	cases();
	attack_held(counts(NULL) == 1, "each counts its own calls");
	attack_worked(
		counts("private,seals") == 2, "shared, one counts the other's");
}

const struct attack attack_e19 = {
	.id = "E19",
	.name = "native: two isolates of one function share no byte",
	.layer = "private mappings, keys",
	.off = "private mappings, and seals",
	.run = run,
};
