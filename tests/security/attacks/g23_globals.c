/*
 * Everything a script can reach by name, found by walking _G, all tables and
 * metatables in it, and the strings' metatable, against a list that was
 * approved. Whatever joins it joins this list first. Control: with the
 * libraries whole the comparison fails.
 */
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

static const char walker[] =
	"local seen, out = {}, {}\n"
	"local function walk(t, path)\n"
	"  if seen[t] then return end\n"
	"  seen[t] = true\n"
	"  for k, v in next, t do\n"
	"    local p = path .. tostring(k)\n"
	"    if type(v) == 'table' then walk(v, p .. '.')\n"
	"    else out[#out + 1] = p .. ':' .. type(v):sub(1, 1) end\n"
	"    local m = type(v) ~= 'string' and getmetatable(v)\n"
	"    if type(m) == 'table' then walk(m, p .. '<') end\n"
	"  end\n"
	"end\n"
	"walk(_G, '')\n"
	"walk(getmetatable(''), '\"\"<')\n"
	"table.sort(out)\n"
	"return function() return table.concat(out, ' ') end";

static const char approved[] =
	"\"\"<__add:f \"\"<__div:f \"\"<__idiv:f \"\"<__mod:f \"\"<__mul:f "
	"\"\"<__pow:f \"\"<__sub:f \"\"<__unm:f _VERSION:s assert:f "
	"collectgarbage:f coroutine.close:f coroutine.create:f "
	"coroutine.isyieldable:f coroutine.resume:f "
	"coroutine.running:f coroutine.status:f coroutine.wrap:f "
	"coroutine.yield:f error:f getmetatable:f ipairs:f "
	"json.array:f json.decode:f json.encode:f json.null:u load:f "
	"log.debug:f log.error:f log.info:f log.warn:f log<__call:f "
	"math.abs:f math.acos:f math.asin:f math.atan2:f math.atan:f "
	"math.ceil:f math.cos:f math.cosh:f math.deg:f math.exp:f "
	"math.floor:f math.fmod:f math.frexp:f math.huge:n "
	"math.ldexp:f math.log10:f math.log:f math.max:f "
	"math.maxinteger:n math.min:f math.mininteger:n math.modf:f "
	"math.pi:n math.pow:f math.rad:f math.random:f "
	"math.randomseed:f math.sin:f math.sinh:f math.sqrt:f "
	"math.tan:f math.tanh:f math.tointeger:f math.type:f "
	"math.ult:f next:f pairs:f pcall:f print:f random.bytes:f "
	"random.hex:f random.int:f random.uuid:f rawequal:f rawget:f "
	"rawlen:f rawset:f select:f setmetatable:f string.byte:f "
	"string.char:f string.find:f string.format:f string.gmatch:f "
	"string.gsub:f string.len:f string.lower:f string.match:f "
	"string.pack:f string.packsize:f string.rep:f "
	"string.reverse:f string.sub:f string.unpack:f "
	"string.upper:f table.concat:f table.insert:f table.move:f "
	"table.pack:f table.remove:f table.sort:f table.unpack:f "
	"time.iso:f time.mono:f time.ms:f time.now:f tonumber:f "
	"tostring:f type:f utf8.char:f utf8.charpattern:s "
	"utf8.codepoint:f utf8.codes:f utf8.len:f utf8.offset:f "
	"warn:f xpcall:f";

static void say_difference(const char *have)
{
	size_t at = 0;

	while (have[at] && have[at] == approved[at])
		at++;
	attack_say("differ at %zu: %.200s", at, have + at);
}

static bool same(const char *function)
{
	if (live_lua(&live, function, walker, "") != 201)
		live_say(&live);
	live_do(&live, function, "1");
	return live.reply.status == 200 &&
	       strcmp(live.reply.body, approved) == 0;
}

static void run(void)
{
	static const struct live_options whole = {.without = "library"};

	live_start(&live, NULL);
	if (!attack_held(same("walker"), "all there is is on the list"))
		say_difference(live.reply.body);
	attack_held(same("other/walker"), "of another tenant too");
	attack_held(live_stop(&live), "the daemon ends in peace");
	live_start(&live, &whole);
	attack_worked(!same("walker") && live.reply.status == 200,
		"whole, there is more than on the list");
	(void)live_stop(&live);
}

const struct attack attack_g23 = {
	.id = "G23",
	.name = "Lua: all that can be reached by name, against a list",
	.layer = "left out of the globals",
	.off = "the choice: libraries whole",
	.run = run,
};
