/*
 * A native function that lies about itself to whoever reads lists, headers and
 * messages: more heap used than there is; names of functions that are no text,
 * in what is said of a refusal and of a fault. Lists and messages stay whole.
 * Control: a name as it is breaks the message.
 */
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/inside.h"
#include "tests/security/attack.h"
#include "tests/security/forged.h"

static struct live live;
static struct good g;

static json_t *body(void)
{
	json_error_t e;

	return json_loadb(
		live.reply.body, live.reply.len, JSON_REJECT_DUPLICATES, &e);
}

static bool whole(void)
{
	json_t *json = body();

	json_decref(json);
	return json;
}

/* The number in the list of isolates, of the attacker. */
static uint64_t heap_used(void)
{
	static const char key[] = "\"heap_used\":";
	const char *at;

	client_send(&live.client, "GET /v1/isolates", "", NULL, &live.reply);
	at = strstr(live.reply.body, "default/attacker");
	at = at ? strstr(at, key) : NULL;
	return at ? strtoull(at + sizeof(key) - 1, NULL, 10) : UINT64_MAX;
}

static void heaps(void)
{
	live_do(&live, "attacker", "write @ctl+%zx",
		offsetof(struct inside, heap_used));
	live_do(&live, "attacker", "write @ctl+%zx",
		offsetof(struct inside, heap_peak));
	attack_held(live.reply.status == 200 &&
			    heap_used() <= (uint64_t)LIVE_MEMORY_MB << 20,
		"more heap than there is: %lu bytes are shown", heap_used());
	attack_held(whole() && live_well(&live), "the list is whole");
}

/* Its helper, under a name that is no text, has these bytes. */
static void named(const void *code, size_t len)
{
	static const char evil[] = "\xff\"\n\x1b\\";

	forged_make(&g);
	(void)memcpy(g.str + good_string(&g, "helper"), evil, sizeof(evil));
	(void)memcpy(g.text2, code, len);
	g.sym[GOOD_HANDLER].st_value = offsetof(struct good, text2);
	/* The evil one is the nearest. */
	g.sym[GOOD_HELPER].st_value = offsetof(struct good, text2) + 1;
}

static void fault(void)
{
	static const uint8_t trap[] = {0x90, 0x90, 0x0f, 0x0b};

	named(trap, sizeof(trap));
	(void)forged_deploy(&live, &g, "");
	live_do(&live, "forged", "1");
}

static void names(void)
{
	named("\x90\x90\x0f\x01\xef", 5);
	(void)forged_deploy(&live, &g, "");
	attack_held(strcmp(live.reply.code, "Code.Rejected") == 0 && whole() &&
			    live_well(&live),
		"a refusal at a name that is no text");
	fault();
	attack_held(live_is(&live, live_crashed) && whole() && live_well(&live),
		"a fault at a name that is no text");
}

static void run(void)
{
	static const struct live_options raw = {.without = "escape"};

	live_start(&live, NULL);
	heaps();
	names();
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &raw);
	fault();
	attack_worked(live.reply.status == 502 && !whole(),
		"as it is, the name breaks the message");
	(void)live_stop(&live);
}

const struct attack attack_g29 = {
	.id = "G29",
	.name = "native: lies about itself in lists and messages",
	.layer = "escaping, bounds",
	.off = "escaping",
	.run = run,
};
