/*
 * Functions share nothing of the language: what one does to its globals, to
 * library tables and to the strings' metatable no other finds, of the same
 * tenant or another, nor the same function's next version. Control: within one
 * isolate, in the next warm call, all of it is there.
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

/* Called with 1 it spoils all it can, else it tells what it finds spoilt. */
static const char spoiler[] =
	"return function(e)\n"
	"  local s = getmetatable('')\n"
	"  if e == 1 then\n"
	"    mark = 'mine'\n"
	"    string.mark = 'mine'\n"
	"    s.__index = setmetatable({mark = 'mine'}, {__index = string})\n"
	"    s.__add = function() return 'mine' end\n"
	"    s.__call = function() return 'mine' end\n"
	"    math.pi = 4\n"
	"    json.decode = function() return 'mine' end\n"
	"    getmetatable(log).__call = function() end\n"
	"    tostring = function() return 'mine' end\n"
	"    setmetatable(_G, {__index = function() return 'mine' end})\n"
	"    return 'done'\n"
	"  end\n"
	"  local n = 0\n"
	"  if rawget(_G, 'mark') then n = n + 1 end\n"
	"  if string.mark then n = n + 1 end\n"
	"  if ('').mark then n = n + 1 end\n"
	"  if s.__call then n = n + 1 end\n"
	"  if math.pi == 4 then n = n + 1 end\n"
	"  if json.decode('1') == 'mine' then n = n + 1 end\n"
	"  if tostring(1) == 'mine' then n = n + 1 end\n"
	"  if getmetatable(_G) then n = n + 1 end\n"
	"  return n\n"
	"end";

enum {
	SPOILT = 8,
	ROUNDS = 4,
};

static const char *found(const char *function)
{
	live_do(&live, function, "2");
	return live.reply.body;
}

static void clean(const char *function, const char *what)
{
	if (!attack_held(strcmp(found(function), "0") == 0, "%s", what))
		live_say(&live);
}

static void round_of(unsigned i)
{
	static const char *const names[] = {"same1", "t1/other", "t2/spoiler"};
	char all[8];

	live_do(&live, "spoiler", "1");
	(void)snprintf(all, sizeof(all), "%d", SPOILT);
	attack_worked(strcmp(found("spoiler"), all) == 0,
		"in the same isolate all is spoilt (%s)", live.reply.body);
	for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++) {
		if (i % 2 == 1)
			(void)live_lua(&live, names[j], spoiler, "");
		clean(names[j], names[j]);
	}
	(void)live_lua(&live, "spoiler",
		i % 2 == 0 ? spoiler : "return function() return 0 end", "");
	(void)live_lua(&live, "spoiler", spoiler, "?memory_mb=32");
	clean("spoiler", "its own next version");
}

static void run(void)
{
	live_start(&live, NULL);
	(void)live_lua(&live, "spoiler", spoiler, "");
	(void)live_lua(&live, "same1", spoiler, "");
	(void)live_lua(&live, "t1/other", spoiler, "");
	(void)live_lua(&live, "t2/spoiler", spoiler, "");
	for (unsigned i = 0; i < ROUNDS; i++)
		round_of(i);
	(void)live_lua(&live, "once", spoiler, "?idle_ttl_ms=0");
	live_do(&live, "once", "1");
	clean("once", "its own next call, if isolates are for one call");
	attack_held(live_well(&live), "the neighbour is whole");
	attack_held(live_stop(&live), "the daemon ends in peace");
}

const struct attack attack_g24 = {
	.id = "G24",
	.name = "Lua: globals and metatables of another function",
	.layer = "an isolate per function",
	.off = "the other isolate",
	.run = run,
};
