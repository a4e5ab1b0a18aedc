/*
 * Memory bombs, native and Lua, and writes past the end. Each costs the
 * function its call. Control: the same amount within a larger budget is had.
 */
#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

static const struct {
	const char *name;
	const char *source;
	const char *code;
} bombs[] = {
	{"table",
		"return function() local t = {} "
		"while true do t[#t + 1] = string.rep('x', 65536) end end",
		live_nomem},
	{"double",
		"return function() local s = 'x' "
		"while true do s = s .. s end end",
		live_nomem},
	{"huge", "return function() return #string.rep('x', 1 << 30) end",
		live_nomem},
	{"more than there is",
		"return function() return #string.rep('x', 1 << 62) end",
		live_error},
	{"resize",
		"return function() local t = {} "
		"for i = 1, 1 << 30 do t[i] = i end end",
		live_nomem},
	{"deep",
		"local function f(n) return 1 + f(n + 1) end "
		"return function() return f(1) end",
		live_error},
	{"patterns",
		"return function() return string.find("
		"string.rep('a', 300000), string.rep('(', 300)) end",
		live_error},
	{"coroutines",
		"local function f() return coroutine.wrap(f)() end "
		"return function() return f() end",
		live_error},
	{"unpack", "return function() return table.unpack({}, 1, 1 << 30) end",
		live_error},
};

static void lua_case(const char *name, const char *source, const char *code)
{
	bool stopped;

	(void)live_lua(&live, "bomb", source, "?timeout_ms=5000&memory_mb=4");
	live_do(&live, "bomb", "1");
	stopped = live_is(&live, code);
	/* Which of two limits is met first may change with Lua's version. */
	if (!stopped && code == live_error)
		stopped = live_is(&live, live_nomem);
	if (!stopped)
		live_say(&live);
	attack_held(live_well(&live) && stopped, "Lua: %s: %s", name, code);
}

static void cases(void)
{
	uint64_t end;

	live_start(&live, NULL);
	end = live_ask(&live, "attacker", "where end");
	live_refused(&live, live_nomem, "memory bomb", "bomb");
	live_do(&live, "attacker", "flood");
	attack_held(
		(live_is(&live, live_crashed) || live_is(&live, live_hurt)) &&
			live_well(&live),
		"writes past the end of its memory");
	live_do(&live, "attacker", "write %lx", end);
	attack_held(
		(live_is(&live, live_crashed) || live_is(&live, live_hurt)) &&
			live_well(&live),
		"one write at the end of its memory");
	for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++)
		lua_case(bombs[i].name, bombs[i].source, bombs[i].code);
	attack_held(live_stop(&live), "the daemon ends in peace");
}

static void controls(void)
{
	static const char takes_8[] =
		"return function() return #string.rep('x', 8 << 20) end";
	uint64_t end;

	live_start(&live, NULL);
	(void)live_probe(&live, "large", "x", "?memory_mb=16");
	end = live_ask(&live, "large", "where end");
	live_do(&live, "large", "write %lx", end - (8 << 20));
	attack_worked(live.reply.status == 200,
		"8 MiB below its end, in a budget of 16, can be written");
	(void)live_lua(&live, "small", takes_8, "?memory_mb=4");
	(void)live_lua(&live, "roomy", takes_8, "?memory_mb=64");
	live_do(&live, "small", "1");
	attack_held(live_is(&live, live_nomem), "8 MiB in a budget of 4");
	live_do(&live, "roomy", "1");
	attack_worked(live.reply.status == 200 &&
			      reply_number(&live.reply, "x") == -1,
		"8 MiB in a budget of 64");
	(void)live_stop(&live);
}

static void run(void)
{
	cases();
	controls();
}

const struct attack attack_g07 = {
	.id = "G07",
	.name = "live: memory bombs, floods, recursion without end",
	.layer = "the isolate's budget",
	.off = "the small budget",
	.run = run,
};
