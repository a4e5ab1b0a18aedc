/*
 * Compiled Lua by way of load(): every mode, whole and in pieces. Control: with
 * the mode of its choice it is loaded and runs.
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/chunk.h"
#include "tests/security/live.h"

static struct live live;

/* Each is the body of a function that has the chunk in c, and returns what
 * load() does. */
static const char *const ways[] = {
	"return load(c)",
	"return load(c, 'x')",
	"return load(c, 'x', 'b')",
	"return load(c, 'x', 'bt')",
	"return load(c, 'x', 'tb')",
	"return load(c, 'x', 'B')",
	"return load(c, 'x', nil)",
	"return load(c, '=stdin', 'b', {})",
	"return load(c, 'x', 'b', _G, 1, 2, 3)",
	"return load(c, c, 'b')",
	"local d = false return load(function() if d then return nil end "
	"d = true return c end, 'x', 'b')",
	"local i = 0 return load(function() i = i + 1 "
	"return c:sub(i, i) end, 'x', 'b')",
	"return select(2, pcall(load, c, 'x', 'b'))",
	"return coroutine.wrap(load)(c, 'x', 'b')",
	"local m = setmetatable({}, {__index = string, __tostring = "
	"function() return c end}) return load(tostring(m), 'x', 'b')",
	"table.sort({1, 2}, function() w = load(c, 'x', 'b') return false end) "
	"return w",
	"return (string.gsub('a', 'a', function() w = load(c, 'x', 'b') end)) "
	"and w",
};

static bool loads(const char *way, const char *literal)
{
	char source[CHUNK_TEXT_MAX + 512];

	(void)snprintf(source, sizeof(source),
		"local w local c = %s\n"
		"local function try() %s end\n"
		"return function() local f = try() "
		"if type(f) == 'function' then return f() end "
		"return 'refused' end",
		literal, way);
	(void)live_lua(&live, "loader", source, "?memory_mb=1");
	live_do(&live, "loader", "1");
	return strcmp(live.reply.body, "refused") != 0;
}

static void run(void)
{
	static const struct live_options any = {.without = "text"};
	char chunk[CHUNK_MAX], text[CHUNK_TEXT_MAX], broken[CHUNK_TEXT_MAX];
	size_t len = chunk_make("return 'ran'", chunk);

	if (len == 0)
		return;
	(void)chunk_literal(chunk, len, text);
	len = chunk_make_broken(chunk);
	(void)chunk_literal(chunk, len, broken);
	live_start(&live, NULL);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (!attack_held(!loads(ways[i], text), "%s", ways[i]))
			live_say(&live);
		attack_held(!loads(ways[i], broken), "broken: %s", ways[i]);
	}
	attack_held(live_well(&live), "the neighbour is whole");
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &any);
	for (size_t i = 0; i < 4; i++)
		attack_worked(loads(ways[i], text) &&
				      strcmp(live.reply.body, "ran") == 0,
			"unchecked: %s", ways[i]);
	attack_worked(loads(ways[2], broken) && live.reply.status == 502,
		"unchecked, a broken one breaks the interpreter");
	attack_held(live_well(&live), "and even then the neighbour is whole");
	(void)live_stop(&live);
}

const struct attack attack_g21 = {
	.id = "G21",
	.name = "Lua: compiled code through load()",
	.layer = "source text only",
	.off = "that check",
	.run = run,
};
