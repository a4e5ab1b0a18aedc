/*
 * Compiled Lua as a function's code. The interpreter does not check it, so it
 * must not come in. Control: let in, it runs, and a broken one breaks the
 * interpreter.
 */
#include <stdio.h>
#include <string.h>

#include "tests/security/attack.h"
#include "tests/security/chunk.h"
#include "tests/security/live.h"

enum {
	SIGNATURE = 4 /* bytes: ESC L u a */
};

static struct live live;

static int put(const char *name, const char *chunk, size_t len)
{
	const struct body body = {chunk, len};

	client_put(&live.client, name, "text/x-lua", &body, "?memory_mb=1",
		&live.reply);
	return live.reply.status;
}

/* Either layer's word will do, unless `code` says whose. */
static void refused(
	const char *what, const char *chunk, size_t len, const char *code)
{
	bool good = put("compiled", chunk, len) == 422 &&
		    (strcmp(live.reply.code, "Code.LoadFailed") == 0 ||
			    strcmp(live.reply.code, "Code.Rejected") == 0) &&
		    (!code || strcmp(live.reply.code, code) == 0);

	if (!good)
		live_say(&live);
	attack_held(live_well(&live) && good, "%s", what);
}

static void cases(const char *chunk, size_t len)
{
	static const char *const before[] = {"\xef\xbb\xbf", "#!lua\n",
		"\xef\xbb\xbf#\n", " ", "\n", "-", "--\n", "return "};
	char text[CHUNK_MAX + 16];

	refused("a compiled function", chunk, len, "Code.Rejected");
	refused("its signature alone", chunk, SIGNATURE, NULL);
	refused("the escape alone", chunk, 1, NULL);
	refused("all but its end", chunk, len - 1, NULL);
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		size_t n = strlen(before[i]);

		(void)memcpy(text, before[i], n);
		(void)memcpy(text + n, chunk, len);
		refused("with something in front", text, n + len, NULL);
	}
}

static void run(void)
{
	static const struct live_options any = {.without = "admit,text"};
	static const struct live_options unseen = {.without = "admit"};
	char chunk[CHUNK_MAX], broken[CHUNK_MAX];
	size_t len = chunk_make("return function() return 'ran' end", chunk);
	size_t broken_len = chunk_make_broken(broken);

	if (len == 0 || broken_len == 0)
		return;
	live_start(&live, NULL);
	cases(chunk, len);
	refused("a broken one", broken, broken_len, "Code.Rejected");
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &unseen);
	refused("a compiled function, unseen at the door", chunk, len,
		"Code.LoadFailed");
	refused("a broken one, unseen at the door", broken, broken_len,
		"Code.LoadFailed");
	attack_held(live_stop(&live), "the daemon ends in peace");

	live_start(&live, &any);
	(void)put("compiled", chunk, len);
	live_do(&live, "compiled", "1");
	attack_worked(strcmp(live.reply.body, "ran") == 0,
		"let in, compiled code runs");
	(void)put("broken", broken, broken_len);
	attack_worked(live_is(&live, live_crashed) || live_is(&live, live_hurt),
		"let in, a broken one breaks the interpreter");
	attack_held(live_well(&live), "and even then the neighbour is whole");
	(void)live_stop(&live);
}

const struct attack attack_g20 = {
	.id = "G20",
	.name = "Lua: compiled code as a function",
	.layer = "admission, text only",
	.off = "both",
	.run = run,
};
