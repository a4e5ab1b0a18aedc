/*
 * Functions that do not end: in code of their own, in the daemon's, in
 * hostcalls, in Lua and in Lua's libraries. The keeper ends them. Control:
 * without its signal they run on.
 */
#include "tests/security/attack.h"
#include "tests/security/live.h"

enum {
	LONGER_MS = 8 * LIVE_TIMEOUT_MS
};

static struct live live;

static const struct {
	const char *name;
	const char *source;
} loops[] = {
	{"loop", "return function() while true do end end"},
	{"goto", "return function() ::a:: goto a end"},
	{"pattern", "return function() return string.find("
		    "string.rep('a', 2000), string.rep('.-', 9) .. 'b') end"},
	{"sort",
		"return function() local t = {} for i = 1, 400 do t[i] = i end "
		"while true do table.sort(t, function(a, b) return a > b end) "
		"end end"},
	{"pcall", "return function() while true do "
		  "pcall(function() while true do end end) end end"},
	{"gc", "return function() while true do collectgarbage() end end"},
	{"finalizer", "return function() "
		      "setmetatable({}, {__gc = function() while true do end "
		      "end}) collectgarbage() end"},
	{"coroutine", "return function() while true do "
		      "coroutine.wrap(function() while true do end end)() "
		      "end end"},
	{"log", "return function() while true do log('x') end end"},
	{"clock", "return function() while true do time.now() end end"},
};

static void lua_case(const char *name, const char *source)
{
	bool stopped;

	if (live_lua(&live, name, source, "?timeout_ms=200") != 201)
		live_say(&live);
	live_do(&live, name, "1");
	stopped = live_is(&live, live_timeout);
	if (!stopped)
		live_say(&live);
	attack_held(live_well(&live) && stopped, "Lua: %s", name);
}

static void control(const char *deed)
{
	static const struct live_options none = {.without = "stop"};

	live_start(&live, &none);
	client_patience(&live.client, LONGER_MS);
	live_do(&live, "attacker", "%s", deed);
	attack_worked(live.reply.status == 0,
		"%s without the keeper's signal: no end after %d ms", deed,
		LONGER_MS);
	(void)daemon_kill(&live.daemon);
}

static void run(void)
{
	live_start(&live, NULL);
	live_refused(&live, live_timeout, "loop in its own code", "spin");
	live_refused(
		&live, live_timeout, "loop in the daemon's code", "spintext");
	live_refused(&live, live_timeout, "loop of hostcalls", "callspin");
	for (size_t i = 0; i < sizeof(loops) / sizeof(*loops); i++)
		lua_case(loops[i].name, loops[i].source);
	attack_held(live_stop(&live), "the daemon ends in peace");
	control("spin");
	control("callspin");
}

const struct attack attack_g06 = {
	.id = "G06",
	.name = "live: code that does not end, native and Lua",
	.layer = "the keeper's signal",
	.off = "that signal",
	.run = run,
};
