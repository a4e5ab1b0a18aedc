/*
 * Addresses that Lua values show. No secret (docs/threat-model.md), but the
 * interpreter is not to give those of the daemon's image away: what it shows
 * must lie outside of it. Control: with the libraries whole it does show them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

/* Everything reachable, printed in every way there is. */
static const char teller[] =
	"local seen, out = {}, {}\n"
	"local function tell(v)\n"
	"  out[#out + 1] = tostring(v)\n"
	"  for _, f in ipairs { '%p', '%s', '%q' } do\n"
	"    local ok, s = pcall(string.format, f, v)\n"
	"    out[#out + 1] = s\n"
	"  end\n"
	"  local ok, e = pcall(error, v)\n"
	"  out[#out + 1] = tostring(e)\n"
	"  ok, e = pcall(function() return v + nil end)\n"
	"  out[#out + 1] = tostring(e)\n"
	"  ok, e = pcall(json.encode, v)\n"
	"  out[#out + 1] = tostring(e)\n"
	"end\n"
	"local function walk(v)\n"
	"  if v == nil or seen[v] then return end\n"
	"  seen[v] = true\n"
	"  if type(v) ~= 'number' and type(v) ~= 'string' then tell(v) end\n"
	"  if type(v) == 'table' then\n"
	"    for k, w in next, v do walk(k) walk(w) end\n"
	"  end\n"
	"  walk(getmetatable(v))\n"
	"end\n"
	"return function()\n"
	"  walk(_G) walk(getmetatable('')) walk(coroutine.running())\n"
	"  walk(coroutine.create(print)) walk(coroutine.wrap(print))\n"
	"  walk(string.gmatch('', '')) walk(ipairs {}) walk(pairs {})\n"
	"  walk(load('return 1'))\n"
	"  local found = {}\n"
	"  for a in table.concat(out, ' '):gmatch('0x%x+') do\n"
	"    found[a] = true\n"
	"  end\n"
	"  for a in pairs(found) do found[#found + 1] = a end\n"
	"  return table.concat(found, ' ')\n"
	"end";

/* The mapping of the daemon's image that `at` is in? */
static bool in_image(uint64_t at)
{
	char path[64], line[512];
	bool found = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", live.daemon.pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		uint64_t from, to;

		found = sscanf(line, "%" SCNx64 "-%" SCNx64, &from, &to) == 2 &&
			strstr(line, "gvisord") && at >= from && at < to;
	}
	if (f)
		(void)fclose(f);
	return found;
}

/* How many addresses are shown; *ret_image: of the image. */
static unsigned shown(unsigned *ret_image)
{
	unsigned n = 0;
	char *at;

	*ret_image = 0;
	if (live_lua(&live, "teller", teller, "") != 201)
		live_say(&live);
	live_do(&live, "teller", "1");
	if (live.reply.status != 200)
		live_say(&live);
	at = live.reply.body;
	while ((at = strstr(at, "0x")) != NULL) {
		uint64_t address = strtoull(at, &at, 16);

		n++;
		*ret_image += in_image(address);
	}
	return n;
}

static void run(void)
{
	static const struct live_options whole = {.without = "library"};
	unsigned n, image;

	live_start(&live, NULL);
	n = shown(&image);
	attack_held(n > 0 && in_image(live_where(&live, "native_in_main")),
		"the look sees addresses");
	attack_held(image == 0, "%u of %u are of the image", image, n);
	attack_note("%u addresses shown, of its own tables and functions", n);
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &whole);
	n = shown(&image);
	attack_worked(image > 0, "whole, %u of %u are of the image", image, n);
	(void)live_stop(&live);
}

const struct attack attack_g26 = {
	.id = "G26",
	.name = "Lua: addresses of the daemon in values and messages",
	.layer = "not shown by the library",
	.off = "the choice: libraries whole",
	.run = run,
};
