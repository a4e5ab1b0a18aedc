/*
 * What Lua's libraries have that reaches out of the interpreter or into it:
 * none of it is there. Control: with the libraries whole it is.
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/live.h"

static struct live live;

static const char *const names[] = {"debug", "package", "require", "os", "io",
	"dofile", "loadfile", "string.dump", "loadstring", "setfenv", "getfenv",
	"module", "newproxy", "bit32", "os.execute", "os.getenv", "os.exit",
	"io.open", "io.popen", "debug.getregistry", "debug.sethook",
	"debug.getmetatable", "debug.setmetatable", "debug.getupvalue",
	"debug.upvaluejoin", "package.loadlib", "package.loaded",
	"coroutine.hook", "_ENV.debug", "_ENV._G.debug"};

static const char *const gc[] = {"stop", "restart", "setpause", "setstepmul",
	"incremental", "generational", "isrunning", "", "0"};

/* The result of an expression, as text. */
static const char *value(const char *expression)
{
	char source[1024];

	(void)snprintf(source, sizeof(source),
		"return function() local ok, v = pcall(function() return %s "
		"end) return ok and tostring(v) or 'error' end",
		expression);
	(void)live_lua(&live, "asker", source, "?memory_mb=1");
	live_do(&live, "asker", "1");
	return live.reply.status == 200 ? live.reply.body : live.reply.code;
}

static bool absent(const char *name)
{
	const char *v = value(name);

	return strcmp(v, "nil") == 0 || strcmp(v, "error") == 0;
}

/* It met the sandbox: libc's own writes to its data, or the system call. */
static bool walled(const char *expression)
{
	const char *v = value(expression);
	bool good = strcmp(v, live_denied) == 0 || strcmp(v, live_hurt) == 0;

	if (!good)
		live_say(&live);
	return good;
}

static void cases(void)
{
	char text[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		attack_held(absent(names[i]), "there is no %s", names[i]);
	for (size_t i = 0; i < sizeof(gc) / sizeof(*gc); i++) {
		(void)snprintf(
			text, sizeof(text), "collectgarbage('%s')", gc[i]);
		attack_held(strcmp(value(text), "error") == 0, "%s", text);
	}
	/* Ways around by metatables and by the functions themselves. */
	attack_held(strcmp(value("getmetatable(print)"), "false") == 0,
		"the metatable of functions is shut");
	attack_held(strcmp(value("setmetatable(print, {})"), "error") == 0,
		"no other metatable for functions");
	attack_held(absent("getmetatable('').__index.dump"),
		"no dump at the strings' metatable");
	attack_held(strcmp(value("(''):dump()"), "error") == 0,
		"no dump as a method");
	attack_held(absent("getmetatable(nil)") && absent("getmetatable(1)"),
		"no metatable where none was");
}

static void controls(void)
{
	static const struct live_options whole = {.without = "library"};
	static const char *const there[] = {"debug", "os", "io", "dofile",
		"loadfile", "string.dump", "os.getenv", "io.open",
		"debug.getregistry"};

	live_start(&live, &whole);
	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++)
		attack_worked(
			!absent(there[i]), "whole: there is %s", there[i]);
	attack_worked(
		strcmp(value("type(debug.getregistry()[1])"), "thread") == 0,
		"whole: the interpreter's registry can be read");
	attack_worked(strcmp(value("collectgarbage('stop')"), "0") == 0,
		"whole: the collector can be stopped");
	attack_held(walled("io.open('/etc/passwd')"),
		"and even then no file is opened");
	attack_held(walled("os.execute('true')"), "... no program run");
	attack_held(walled("os.remove('/etc/passwd')"), "... no file removed");
	attack_held(live_well(&live), "... the neighbour is whole");
	(void)live_stop(&live);
}

static void run(void)
{
	live_start(&live, NULL);
	cases();
	attack_held(live_well(&live), "the neighbour is whole");
	attack_held(live_stop(&live), "the daemon ends in peace");
	controls();
}

const struct attack attack_g22 = {
	.id = "G22",
	.name = "Lua: libraries that reach out of it or into it",
	.layer = "left out of the globals",
	.off = "the choice: libraries whole",
	.run = run,
};
