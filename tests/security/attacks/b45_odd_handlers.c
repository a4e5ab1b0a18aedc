/*
 * Native handlers that keep to no convention: they return with flags, control
 * words, vector registers, segments, callee-saved registers or the stack
 * pointer changed. One worker runs them all, and between them a function that
 * computes: neither it nor the runtime notices. Control: where no gate stands
 * between, in the engine's inside half in the same isolate, it shows.
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	TIMES = 3
};

static struct live live;
static struct body odd;

static const char *const entries[] = {"direction", "alignment",
	"identification", "nested", "sse", "x87", "pending", "mmx", "upper",
	"saved", "higher", "lower", "nowhere", "crooked", "segments", "gs",
	"fs"};
enum {
	ENTRIES = sizeof(entries) / sizeof(*entries)
};

/* Rounds, divides, copies: whatever is left over shows in the result. */
static const char computing[] =
	"return function(e)\n"
	"  local t = {}\n"
	"  for i = 1, 20 do t[i] = math.sqrt(i) / 3 + i // 7 end\n"
	"  table.sort(t, function(a, b) return a > b end)\n"
	"  local s = 0.1\n"
	"  for i = 1, 20 do s = s + t[i] * 1e-310 + t[i] end\n"
	"  return string.format('%.17g %s', s, string.rep('ab', 9):reverse())\n"
	"end";

static bool computes(char *ret_first, size_t size)
{
	live_do(&live, "computing", "1");
	if (ret_first[0] == '\0')
		(void)snprintf(ret_first, size, "%.100s", live.reply.body);
	return live.reply.status == 200 &&
	       strcmp(live.reply.body, ret_first) == 0;
}

static bool deploy(const char *entry)
{
	char options[64];
	int status;

	(void)snprintf(options, sizeof(options),
		"?timeout_ms=%d&memory_mb=%d&entry=%s", LIVE_TIMEOUT_MS,
		LIVE_MEMORY_MB, entry);
	status = live_object(&live, "odd", &odd, options);
	return status == 200 || status == 201;
}

static void one(const char *entry)
{
	static char first[128];
	bool good = deploy(entry);

	for (unsigned i = 0; i < TIMES && good; i++) {
		live_do(&live, "odd", "1");
		good = (live.reply.status == 200 || live.reply.status == 502) &&
		       computes(first, sizeof(first));
	}
	if (!good)
		live_say(&live);
	attack_held(live_well(&live) && good, "%s", entry);
}

static void control(const char *entry)
{
	(void)deploy(entry);
	live_do(&live, "odd", "1");
	/* It may come to it when the next one is entered. */
	if (live.reply.status == 200)
		live_do(&live, "odd", "1");
	attack_worked(live_is(&live, live_crashed) || live_is(&live, live_hurt),
		"%s: without a gate between, who called it ends (%s)", entry,
		live.reply.code);
}

static void run(void)
{
	static const struct live_options single = {.set = "workers=1"};

	live_start(&live, &single);
	odd.bytes = live_file("odd.so", &odd.len);
	if (live_lua(&live, "computing", computing, "") != 201)
		live_say(&live);
	for (unsigned i = 0; i < ENTRIES; i++)
		one(entries[i]);
	control("saved");
	control("nowhere");
	control("crooked");
	attack_held(live_stop(&live), "the daemon ends in peace");
}

const struct attack attack_b45 = {
	.id = "B45",
	.name = "native: handlers that leave flags and registers changed",
	.layer = "the gate",
	.off = "the gate: inside its isolate",
	.run = run,
};
